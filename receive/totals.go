package receive

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"sync"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

const (
	// maxPages is how many pages of a site have counts of their own in memory.
	maxPages = 100_000
	// maxVisitors is how many visits of pages are told apart in a day of a
	// site; those beyond add to the pageviews only.
	maxVisitors = 200_000

	// recountAfter is how old the store's word on the counts may get while
	// somebody asks for them, and askedLasts how long after being asked for
	// they are taken to be.
	recountAfter, askedLasts = time.Minute, 2 * time.Minute
	// recountShare bounds what is spent on it: the store is asked anew only
	// after this many times as long as that takes.
	recountShare = 20
)

// totals are the counts that busuanzi and counters show, in memory: asked of the
// store once, added to with each pageview of the ways in over HTTP, and asked of
// the store again once a minute while somebody reads them. So an answer costs no
// computing. Between two words of the store a visitor of the day who came before
// the process began may be counted twice.
type totals struct {
	store Asker
	mu    sync.Mutex
	sites map[string]*siteTotals
}

// Count is how often a page, or all pages, were seen, and by how many visitors,
// summed by day.
type Count struct {
	Pageviews int64 `json:"pageviews"`
	Visitors  int64 `json:"visitors"`
}

type siteTotals struct {
	asking chan struct{} // holds a token while the store is asked for the first time

	mu    sync.Mutex
	ready bool
	all   Count
	pages map[string]*Count

	asked   time.Time     // when somebody read them last
	counted time.Time     // when the store was asked
	took    time.Duration // to answer

	day  pageview.Day
	met  map[uint64]struct{} // visitors of the day, and visitors of each page
	seed maphash.Seed
}

// of are the totals of a site; the first who asks waits for the store.
func (t *totals) of(ctx context.Context, site string) (*siteTotals, error) {
	s := t.site(site)
	select {
	case s.asking <- struct{}{}:
		defer func() { <-s.asking }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if s.askedFor() {
		return s, nil
	}
	told, err := t.ask(ctx, site)
	if err != nil {
		return nil, err
	}
	s.put(told)
	return s, nil
}

func (t *totals) site(name string) *siteTotals {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sites == nil {
		t.sites = map[string]*siteTotals{}
	}
	s := t.sites[name]
	if s == nil {
		s = &siteTotals{asking: make(chan struct{}, 1), seed: maphash.MakeSeed()}
		t.sites[name] = s
	}
	return s
}

// only forgets the totals of other sites than these.
func (t *totals) only(these func(site string) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	maps.DeleteFunc(t.sites, func(site string, _ *siteTotals) bool { return !these(site) })
}

// askedFor notes that somebody reads the totals, and tells whether the store was
// asked before.
func (s *siteTotals) askedFor() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = time.Now()
	return s.ready
}

// told is what a store says of a site.
type told struct {
	all   Count
	pages map[string]*Count
	at    time.Time
	took  time.Duration
}

// ask asks the store.
func (t *totals) ask(ctx context.Context, site string) (told, error) {
	if t.store == nil {
		return told{}, errors.New("there is no store to ask for counts")
	}
	c := told{pages: map[string]*Count{}, at: time.Now()}
	a, err := t.store.Query(ctx, pageview.Query{
		Site: site, By: []pageview.Dimension{pageview.ByPage}, Limit: maxPages,
		Metrics: []pageview.Metric{pageview.MetricPageviews, pageview.MetricVisitors},
	})
	if err != nil {
		return told{}, fmt.Errorf("ask for the counts of %s: %w", site, err)
	}
	for _, row := range a.Rows {
		c.pages[row.Keys[0]] = &Count{row.Pageviews, row.Visitors}
	}
	c.all, c.took = Count{a.Total.Pageviews, a.Total.Visitors}, time.Since(c.at)
	return c, nil
}

// put takes the store's word.
func (s *siteTotals) put(c told) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready, s.all, s.pages, s.counted, s.took = true, c.all, c.pages, c.at, c.took
}

// recount asks the store anew for what somebody reads and is too old. What comes
// in while the store answers is counted by its next word.
func (t *totals) recount(ctx context.Context) error {
	t.mu.Lock()
	due := map[string]*siteTotals{}
	for site, s := range t.sites {
		if s.due(time.Now()) {
			due[site] = s
		}
	}
	t.mu.Unlock()
	var errs []error
	for site, s := range due {
		c, err := t.ask(ctx, site)
		if err == nil {
			s.put(c)
		} else {
			s.failed()
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// failed lets the store be asked again after a while.
func (s *siteTotals) failed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counted = time.Now()
}

func (s *siteTotals) due(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ready && now.Sub(s.asked) < askedLasts && now.Sub(s.counted) >= max(recountAfter, recountShare*s.took)
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
	s.all.Pageviews++
	s.all.Visitors += s.first(v.Visitor, "")
	p := s.pages[v.Path]
	if p == nil {
		if len(s.pages) >= maxPages {
			return
		}
		p = &Count{}
		s.pages[v.Path] = p
	}
	p.Pageviews++
	p.Visitors += s.first(v.Visitor, v.Path)
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
func (s *siteTotals) read(page string) (all, of Count) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.pages[page]; p != nil {
		of = *p
	}
	return s.all, of
}
