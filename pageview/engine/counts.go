package engine

import (
	"sync/atomic"

	"github.com/beforehand-go/beforehand/pageview"
)

// Counts are what became of the pageviews that a store was given.
type Counts struct{ kept, refused atomic.Int64 }

// Add counts the pageviews of a batch; err is why it was not kept.
func (c *Counts) Add(b *pageview.Batch, err error) {
	of := &c.kept
	if err != nil {
		of = &c.refused
	}
	of.Add(int64(len(b.Pageviews)))
}

// Tell puts the counts into a load.
func (c *Counts) Tell(l *pageview.Load) { l.Kept, l.Refused = c.kept.Load(), c.refused.Load() }
