package duckdb

import (
	"os"
	"sync/atomic"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// load is what is counted of what the store does.
type load struct {
	kept, refused atomic.Int64
	folded        atomic.Int64 // Unix nanoseconds; zero means never
}

// Load implements pageview.Loaded.
func (s *Store) Load() pageview.Load {
	s.queue.mu.Lock()
	l := pageview.Load{Waiting: s.queue.bytes, Room: s.queue.limit}
	s.queue.mu.Unlock()
	l.Kept, l.Refused = s.load.kept.Load(), s.load.refused.Load()
	if at := s.load.folded.Load(); at != 0 {
		l.Folded = time.Unix(0, at)
	}
	for _, name := range []string{s.config.Path, s.config.Path + ".wal"} {
		if info, err := os.Stat(name); err == nil {
			l.Size += info.Size()
		}
	}
	return l
}

// count counts what became of a request.
func (l *load) count(r *request, err error) {
	if r.batch == nil {
		return
	}
	n := int64(len(r.batch.Pageviews))
	if err != nil {
		l.refused.Add(n)
		return
	}
	l.kept.Add(n)
}
