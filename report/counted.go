package report

import (
	"context"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/snapshot"
)

// Counted notes on the snapshot that is being computed which pageviews it has
// counted. ctx is that of the report's function; a span of nothing is not noted.
func Counted(ctx context.Context, span pageview.Span) {
	if span.First.IsZero() {
		return
	}
	beforehand.Counted(ctx, snapshot.Pageviews{
		Through: int64(span.Through), From: span.First, To: span.Last.Add(time.Microsecond),
	})
}
