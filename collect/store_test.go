package collect_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/collect/collecttest"
	"github.com/beforehand-go/beforehand/pageview"
)

// plainStore keeps pageviews and log files in the plainest way. What it does not
// do panics.
type plainStore struct {
	pageview.Store
	mu    sync.Mutex
	views []pageview.Pageview
	logs  map[uint64][]pageview.KnownLog
}

func (s *plainStore) Logs(_ context.Context, _ string, first uint64) ([]pageview.KnownLog, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.logs[first]), nil
}

func (s *plainStore) Append(ctx context.Context, b pageview.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if step := b.Log; step != nil {
		known := s.logs[step.Prints[0]]
		at := slices.IndexFunc(known, func(k pageview.KnownLog) bool { return k.Mark == step.From })
		now := pageview.KnownLog{Prints: slices.Clone(step.Prints), Mark: step.To}
		switch {
		case step.New && len(known) == step.Beside:
			s.logs[step.Prints[0]] = append(known, now)
		case !step.New && at >= 0:
			known[at] = now
		default:
			return pageview.ErrLogMoved
		}
	}
	s.views = append(s.views, b.Pageviews...)
	return nil
}

// kept are the pageviews that an importer's plain store holds.
func kept(im *collect.Importer) []pageview.Pageview {
	s := im.Store.(*plainStore)
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.views)
}

// plainImporter imports into a plain store.
func plainImporter(t testing.TB) *collect.Importer {
	t.Helper()
	return &collect.Importer{
		Store: &plainStore{logs: map[uint64][]pageview.KnownLog{}}, Key: collect.Key{1},
		Intake: collecttest.Intake(t),
	}
}
