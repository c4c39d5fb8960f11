package duckdb

import (
	"os"
	"sync/atomic"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/pageview/engine"
)

// load is what is counted of what the store does.
type load struct {
	counts  engine.Counts
	folded  atomic.Int64          // Unix nanoseconds; zero means never
	trouble atomic.Pointer[error] // of the last transaction of DuckDB; nil before any
}

// Load implements pageview.Loaded.
func (s *Store) Load() pageview.Load {
	s.queue.mu.Lock()
	l := pageview.Load{Waiting: s.queue.bytes, Room: s.queue.limit}
	s.queue.mu.Unlock()
	s.load.counts.Tell(&l)
	if err := s.load.trouble.Load(); err != nil {
		l.Trouble = *err
	}
	if at := s.load.folded.Load(); at != 0 {
		l.Folded = time.Unix(0, at)
	}
	for _, name := range []string{s.config.Path, s.config.Path + ".wal", s.config.Path + spoolSuffix} {
		if info, err := os.Stat(name); err == nil {
			l.Size += info.Size()
		}
	}
	return l
}

// count counts what became of a request.
func (l *load) count(r *request, err error) {
	if r.batch != nil {
		l.counts.Add(r.batch, err)
	}
}
