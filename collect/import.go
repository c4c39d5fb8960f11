package collect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// ErrNothing is returned for a log that holds nothing to import.
var ErrNothing = errors.New("nothing to import")

// stepLines is how many lines are committed at once after so many were read:
// few at first, so that a short log is safe early, and more in a long one.
func stepLines(read int64) int64 { return min(max(read/4, 1<<10), 1<<15) }

// stepTime is how long a line of a log that is still written waits at most for
// the lines it is committed with.
const stepTime = time.Second

// Importer reads access logs into a store. It is safe for concurrent use.
type Importer struct {
	Store  pageview.Store
	Intake *Intake
	Key    Key
}

// Log is one access log to import.
type Log struct {
	Name   string // for messages
	Site   *Site
	Data   io.Reader // plain or packed with gzip, zstd or bzip2; it may go on for as long as the log is written
	Format string    // name of a format, or a format string; empty means that the first lines tell it
	Rest   bool      // only the rest of a log that was begun before; ErrUnknown where there is none
}

// Progress tells how far an import is.
type Progress struct {
	Bytes     int64 `json:"bytes"`     // of the file as it was handed in
	Lines     int64 `json:"lines"`     // read so far
	Committed int64 `json:"committed"` // pageviews of this import that are on disk
}

// Import reads a log from where the last import of the same file ended. Each
// step of a thousand lines or more is committed together with how far it went,
// so that an import that was cut off goes on where it was and nothing counts
// twice. When it fails, the summary tells what was committed.
func (im *Importer) Import(ctx context.Context, l Log, progress func(Progress)) (Summary, error) {
	began := time.Now()
	r := &run{Importer: im, log: l, progress: progress}
	err := r.run(ctx)
	if err != nil {
		err = fmt.Errorf("import %s: %w", l.Name, err)
	}
	r.summary.Seconds = time.Since(began).Seconds()
	return r.summary, err
}

// run is one import under way: one goroutine reads and unpacks, one parses,
// and the caller's commits.
type run struct {
	*Importer
	log      Log
	progress func(Progress)

	blocks chan block
	read   error // why it ended; set before blocks is closed
	parsed error // why the parsing ended; set before steps is closed

	steps   chan step
	spare   chan []pageview.Pageview // batches to use again
	from    pageview.Mark            // committed; set by the parsing before the first step
	fresh   bool                     // as in found, until the first commit
	beside  int
	summary Summary // what was committed
}

// step is what is committed at once.
type step struct {
	views  []pageview.Pageview
	to     pageview.Mark
	prints pageview.Prints
	packed int64
	sum    Summary
}

func (r *run) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.blocks, r.steps = make(chan block, 2), make(chan step)
	r.spare = make(chan []pageview.Pageview, 2)
	go r.readBlocks(ctx)
	go r.parseBlocks(ctx)
	var err error
	for s := range r.steps {
		if err == nil {
			err = r.commit(ctx, s)
		}
		if err != nil {
			cancel()
		}
	}
	if err != nil {
		return err
	}
	return r.parsed
}

// readBlocks hands on the blocks of the log. It may outlast the import by one
// call of the log's Read.
func (r *run) readBlocks(ctx context.Context) {
	defer close(r.blocks)
	r.read = r.readAll(ctx)
}

func (r *run) readAll(ctx context.Context) error {
	in, err := newLogReader(r.log.Data, r.Key)
	if err != nil {
		return err
	}
	defer in.close()
	f := &finder{in: in}
	err = f.find(ctx, r.Store, r.log.Site.Name)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch {
	case err == nil && r.log.Rest && f.fresh && f.from.Offset == 0:
		return ErrUnknown
	case err != nil && f.from.Offset == 0:
		return fmt.Errorf("the file is empty: %w", ErrNothing)
	}
	held := f.held
	f.held = nil
	ok := r.hand(ctx, block{begin: &f.found})
	for _, b := range held {
		ok = ok && r.hand(ctx, b)
	}
	for ok && err == nil {
		var b block
		if b, err = in.read(); err == nil {
			ok = r.hand(ctx, b)
		}
	}
	if !ok {
		return ctx.Err()
	}
	return err
}

// hand hands a block on, unless ctx ends first.
func (r *run) hand(ctx context.Context, b block) bool {
	select {
	case r.blocks <- b:
		return true
	case <-ctx.Done():
		return false
	}
}

// commit makes a step durable.
func (r *run) commit(ctx context.Context, s step) error {
	if s.to != r.from {
		err := r.Store.Append(ctx, pageview.Batch{
			Pageviews: s.views, Wait: true,
			Log: &pageview.LogStep{
				Site: r.log.Site.Name, Prints: s.prints, From: r.from, To: s.to, New: r.fresh, Beside: r.beside,
			},
		})
		if err != nil {
			return err
		}
		r.from, r.fresh = s.to, false
	}
	r.summary.Add(s.sum)
	select {
	case r.spare <- s.views[:0]:
	default:
	}
	if r.progress != nil {
		r.progress(Progress{Bytes: s.packed, Lines: r.summary.Lines, Committed: r.summary.Pageviews})
	}
	return nil
}
