package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// weekStore keeps pageviews in memory, since what waits for DuckDB does not
// stand still in a bubble of time. It can be told that its disk is full. Of
// questions it answers those of weekly mails and alerts.
type weekStore struct {
	pageviewStore // nil: what a week does not need

	mu       sync.Mutex
	site     pageview.Site
	views    []pageview.Pageview
	logs     []pageview.KnownLog
	full     bool
	kept     map[pageview.Source]int // that were ever kept
	oldest   pageview.Day            // before which nothing is kept
	retained int                     // how often old pageviews were deleted
}

func (s *weekStore) Site(_ context.Context, v pageview.Site) (pageview.Site, error) {
	s.site = v
	return v, nil
}

func (s *weekStore) Append(_ context.Context, b pageview.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full {
		return pageview.ErrFull
	}
	if step := b.Log; step != nil {
		known := pageview.KnownLog{Prints: slices.Clone(step.Prints), Mark: step.To}
		i := slices.IndexFunc(s.logs, func(l pageview.KnownLog) bool { return !step.New && l.Mark == step.From })
		if i < 0 {
			s.logs = append(s.logs, known)
		} else {
			s.logs[i] = known
		}
	}
	for _, v := range b.Pageviews {
		s.kept[v.Source]++
	}
	s.views = append(s.views, b.Pageviews...)
	return nil
}

func (s *weekStore) Logs(_ context.Context, _ string, first uint64) (list []pageview.KnownLog, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.logs {
		if l.Prints[0] == first {
			list = append(list, l)
		}
	}
	return list, nil
}

func (s *weekStore) Span(context.Context, string) (span pageview.Span, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.views {
		if span.First.IsZero() || v.At.Before(span.First) {
			span.First, span.FirstDay = v.At, v.Day
		}
		if v.At.After(span.Last) {
			span.Last, span.LastDay = v.At, v.Day
		}
	}
	span.Through = uint64(len(s.views))
	return span, nil
}

func (s *weekStore) Query(_ context.Context, q pageview.Query) (a pageview.Answer, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.views {
		if (q.From == 0 || v.Day >= q.From) && (q.To == 0 || v.Day <= q.To) {
			a.Total.Pageviews++
		}
	}
	return a, nil
}

func (s *weekStore) Rank(context.Context, pageview.RankQuery) (pageview.Ranking, error) {
	return pageview.Ranking{}, nil
}

func (s *weekStore) Retain(_ context.Context, _ string, before pageview.Day) (deleted int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.views)
	s.views = slices.DeleteFunc(s.views, func(v pageview.Pageview) bool { return v.Day < before })
	s.oldest = before
	s.retained++
	return int64(n - len(s.views)), nil
}

func (s *weekStore) Close() error { return nil }

// visitors are the visitors of the script's pageviews by local day and hour.
func (s *weekStore) visitors(zone *time.Location) map[string]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	by := map[string]uint64{}
	for _, v := range s.views {
		if v.Source == pageview.SourcePixel {
			by[v.At.In(zone).Format("2006-01-02 15")] = v.Visitor
		}
	}
	return by
}
