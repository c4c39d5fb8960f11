package beforehand

import (
	"context"
	"log/slog"
	"sync"

	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
)

type notesKey struct{}

// notes is what a report's function says beside its result.
type notes struct {
	run *scheduler.Run

	mu        sync.Mutex
	pageviews snapshot.Pageviews
}

func (n *notes) get() snapshot.Pageviews {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.pageviews
}

// Counted notes which pageviews a result has counted; the last call of a run
// stands. The context is the one a report's function was called with; with any
// other nothing happens.
func Counted(ctx context.Context, p snapshot.Pageviews) {
	if n, ok := ctx.Value(notesKey{}).(*notes); ok {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.pageviews = p
	}
}

// Progress tells how far a report's function is: done of total, and a line of
// text. It is cheap, and does nothing with a context of no run.
func Progress(ctx context.Context, done, total int64, line string) {
	if n, ok := ctx.Value(notesKey{}).(*notes); ok && n.run != nil {
		n.run.Progress(done, total, line)
	}
}

// Logger returns what a report's function logs through: lines from slog.LevelInfo
// on are kept with its run, bounded, and shown with it. With a context of no run
// it keeps nothing.
func Logger(ctx context.Context) *slog.Logger { return RunOf(ctx).Logger() }

// RunOf returns the run a report's function was called for, for what it does
// outside of its result: the key and the fence make that harmless to repeat. It
// is nil with a context of no run.
func RunOf(ctx context.Context) *scheduler.Run {
	n, ok := ctx.Value(notesKey{}).(*notes)
	if !ok {
		return nil
	}
	return n.run
}
