package collect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// ErrNothing is returned for a log that holds nothing to import.
var ErrNothing = errors.New("nothing to import")

// stepLines is how many lines are committed at once after so many were read:
// few at first, so that a short log is safe early, and more in a long one.
func stepLines(read int64) int64 { return min(max(read/4, 1<<10), 1<<15) }

// Importer reads access logs into a store. It is safe for concurrent use.
type Importer struct {
	Store  pageview.Store
	Intake *Intake
	Key    Key
}

// Log is one access log to import.
type Log struct {
	Name string // for messages
	Site *Site
	Data io.Reader // plain or gzip
}

// Progress tells how far an import is.
type Progress struct {
	Bytes     int64 `json:"bytes"`     // of the file as it was handed in
	Lines     int64 `json:"lines"`     // read so far
	Committed int64 `json:"committed"` // pageviews of this import that are on disk
}

// Import reads a log from where the last import of the same file ended. Each
// step of a thousand lines or more is committed together with how far it went, so
// that an import that was cut off goes on where it was and nothing counts
// twice. When it fails, the summary tells what was committed.
func (im *Importer) Import(ctx context.Context, l Log, progress func(Progress)) (Summary, error) {
	began := time.Now()
	r := &run{Importer: im, log: l, progress: progress}
	err := r.read(ctx)
	if err != nil {
		err = fmt.Errorf("import %s: %w", l.Name, err)
	}
	r.summary.Seconds = time.Since(began).Seconds()
	return r.summary, err
}

// run is one import under way.
type run struct {
	*Importer
	log      Log
	progress func(Progress)
	in       *logReader

	from    pageview.Mark // committed
	at      pageview.Mark // read
	batch   []pageview.Pageview
	step    Summary // what was read since the last commit
	summary Summary // what was committed
}

func (r *run) read(ctx context.Context) error {
	var err error
	if r.in, err = newLogReader(r.log.Data, r.Key); err != nil {
		return err
	}
	defer r.in.close()
	if err := r.checkFormat(); err != nil {
		return err
	}
	if r.from, err = r.Store.Log(ctx, r.log.Site.Name, r.in.prints); err != nil {
		return err
	}
	if err := r.skip(); err != nil {
		return err
	}
	for {
		line, err := r.in.next()
		if errors.Is(err, io.EOF) {
			return r.commit(ctx)
		}
		if err != nil {
			return errors.Join(r.commit(ctx), fmt.Errorf("after line %d: %w", r.at.Lines, err))
		}
		if err := r.line(ctx, line); err != nil {
			return err
		}
		if r.step.Lines >= stepLines(r.summary.Lines) {
			if err := r.commit(ctx); err != nil {
				return err
			}
		}
	}
}

// checkFormat refuses a file of which none of the first lines is one of an
// access log.
func (r *run) checkFormat() error {
	if len(r.in.head) == 0 {
		return fmt.Errorf("the file is empty: %w", ErrNothing)
	}
	for line := range bytes.Lines(r.in.head) {
		if _, err := parseCombined(trimEnd(line)); err == nil {
			return nil
		}
	}
	return errors.New("not an access log in combined format: none of its first lines could be read; the format is described in docs/import.md")
}

// skip passes over what an earlier import read.
func (r *run) skip() error {
	lines, whole, err := r.in.skip(r.from.Offset)
	if err != nil {
		return err
	}
	r.at = r.from
	if lines > 0 {
		r.summary.Lines += lines
		r.summary.Leave(LeftAlreadyCounted, lines)
	}
	if !whole { // the line that was last then was counted, though its end came later
		rest, err := r.in.next()
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		r.at.Offset += rest.size
	}
	return nil
}

// line reads one line.
func (r *run) line(ctx context.Context, line rawLine) error {
	l, err := parseCombined(line.text)
	if err != nil && !line.ended {
		return nil // it is still being written: left to the next import
	}
	r.at.Offset += line.size
	r.at.Lines++
	r.step.Lines++
	if err != nil {
		r.step.Break(BrokenLine{File: r.log.Name, Line: r.at.Lines, Why: err.Error()})
		return nil
	}
	return r.keep(ctx, l)
}

// keep makes a pageview of a line, or leaves it out.
func (r *run) keep(ctx context.Context, l logLine) error {
	if string(l.method) != http.MethodGet || l.status != http.StatusOK && l.status != http.StatusNotModified {
		r.step.Leave(LeftNotAPage, 1)
		return nil
	}
	v, left, err := r.Intake.Pageview(ctx, r.log.Site, &Seen{
		At: l.at, URL: string(l.target), Referrer: string(l.referrer),
		Addr: string(l.addr), Agent: string(l.agent), Source: pageview.SourceLog,
	})
	if err != nil {
		return err
	}
	if left != "" {
		r.step.Leave(left, 1)
		return nil
	}
	r.batch = append(r.batch, v)
	r.step.Keep(&v)
	return nil
}

// commit makes what was read durable.
func (r *run) commit(ctx context.Context) error {
	if r.at == r.from {
		return nil
	}
	err := r.Store.Append(ctx, pageview.Batch{
		Pageviews: r.batch, Wait: true,
		Log: &pageview.LogStep{Site: r.log.Site.Name, Prints: r.in.prints, From: r.from, To: r.at},
	})
	if err != nil {
		return err
	}
	r.from, r.batch = r.at, r.batch[:0]
	r.summary.Add(r.step)
	r.step = Summary{}
	if r.progress != nil {
		r.progress(Progress{Bytes: r.in.bytes(), Lines: r.summary.Lines, Committed: r.summary.Pageviews})
	}
	return nil
}
