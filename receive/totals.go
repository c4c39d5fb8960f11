package receive

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"

	"github.com/beforehand-go/beforehand/pageview"
)

const (
	// maxPages is how many pages of a site have counts of their own in memory.
	maxPages = 100_000
	// maxVisitors is how many visits of pages are told apart in a day of a
	// site; those beyond add to the pageviews only.
	maxVisitors = 200_000
)

// totals are the counts that busuanzi shows, in memory: asked of the store
// once, and added to with each pageview. So an answer costs no computing. They
// start anew with the process: who was there on its first day before and after
// is then counted as a visitor twice in what is shown, not in the store.
type totals struct {
	store Asker
	mu    sync.Mutex
	sites map[string]*siteTotals
}

type count struct{ pageviews, visitors int64 }

type siteTotals struct {
	mu    sync.Mutex
	ready bool
	all   count
	pages map[string]*count

	day  pageview.Day
	met  map[uint64]struct{} // visitors of the day, and visitors of each page
	seed maphash.Seed
}

// of are the totals of a site; the first who asks waits for the store.
func (t *totals) of(ctx context.Context, site string) (*siteTotals, error) {
	t.mu.Lock()
	if t.sites == nil {
		t.sites = map[string]*siteTotals{}
	}
	s := t.sites[site]
	if s == nil {
		s = &siteTotals{pages: map[string]*count{}, seed: maphash.MakeSeed()}
		t.sites[site] = s
	}
	t.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready {
		return s, nil
	}
	if t.store == nil {
		return nil, errors.New("there is no store to ask for counts")
	}
	a, err := t.store.Query(ctx, pageview.Query{
		Site: site, By: []pageview.Dimension{pageview.ByPage}, Limit: maxPages,
		Metrics: []pageview.Metric{pageview.MetricPageviews, pageview.MetricVisitors},
	})
	if err != nil {
		return nil, fmt.Errorf("ask for the counts of %s: %w", site, err)
	}
	for _, row := range a.Rows {
		s.pages[row.Keys[0]] = &count{row.Pageviews, row.Visitors}
	}
	s.all = count{a.Total.Pageviews, a.Total.Visitors}
	s.ready = true
	return s, nil
}

// counted adds a pageview of a way in that counts together with busuanzi.
func (t *totals) counted(v *pageview.Pageview) {
	t.mu.Lock()
	s := t.sites[v.Site]
	t.mu.Unlock()
	if s != nil {
		s.add(v)
	}
}

func (s *siteTotals) add(v *pageview.Pageview) {
	if v.Bot != "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ready {
		return // the store will tell of it
	}
	if v.Day > s.day {
		s.day, s.met = v.Day, map[uint64]struct{}{}
	}
	s.all.pageviews++
	s.all.visitors += s.first(v.Visitor, "")
	p := s.pages[v.Path]
	if p == nil {
		if len(s.pages) >= maxPages {
			return
		}
		p = &count{}
		s.pages[v.Path] = p
	}
	p.pageviews++
	p.visitors += s.first(v.Visitor, v.Path)
}

// first is 1 when the visitor had not been met on the page that day.
func (s *siteTotals) first(visitor uint64, page string) int64 {
	if visitor == 0 || len(s.met) >= maxVisitors {
		return 0
	}
	var h maphash.Hash
	h.SetSeed(s.seed)
	h.Write(binary.LittleEndian.AppendUint64(nil, visitor))
	h.WriteString(page)
	sum := h.Sum64()
	if _, ok := s.met[sum]; ok {
		return 0
	}
	s.met[sum] = struct{}{}
	return 1
}

// read are the counts of the site and of a page.
func (s *siteTotals) read(page string) (all, of count) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.pages[page]; p != nil {
		of = *p
	}
	return s.all, of
}
