package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/internal/number"
)

// importTarget is where a log goes: into a data directory, or to the server
// that holds it.
type importTarget interface {
	send(ctx context.Context, name string, data io.Reader, progress func(collect.Progress)) (collect.Summary, error)
	refresh(ctx context.Context) error
	close() error
}

func runImport(ctx context.Context, s stdio, args []string) error {
	c := appConfig{command: "import", log: slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	var asJSON bool
	f := newFlags("import [flags] FILE…\n\nReads access logs in combined format, plain or gzip; - is standard input.\nA file that was read before goes on where it was.")
	c.add(f, "data")
	f.BoolVar(&asJSON, "json", false, "print the summary as one JSON object")
	if err := f.parse(s, args, 1<<20); err != nil {
		return err
	}
	if f.NArg() == 0 {
		return usageError{errors.New("no file named")}
	}
	if err := c.load(f); err != nil {
		return err
	}
	target, err := openTarget(ctx, c)
	if err != nil {
		return err
	}
	total, err := importFiles(ctx, target, f.Args(), newProgress(s.err))
	if total.Lines > 0 && ctx.Err() == nil {
		if again := computeReports(ctx, target, err); again != nil {
			err = errors.Join(err, fmt.Errorf("the pageviews are kept, but the reports were not computed: %w", again))
		}
	}
	err = errors.Join(err, target.close())
	if asJSON {
		err = errors.Join(err, json.NewEncoder(s.out).Encode(total))
	} else {
		printSummary(s.out, total)
	}
	return err
}

// refreshWait is how long an import waits for the reports.
const refreshWait = 10 * time.Minute

// computeReports has the reports computed, unless the import ended on a full
// disk, on which they could not be kept.
func computeReports(ctx context.Context, target importTarget, imported error) error {
	if imported != nil && isFull(imported) {
		return errors.New("the disk is full")
	}
	ctx, cancel := context.WithTimeout(ctx, refreshWait)
	defer cancel()
	return target.refresh(ctx)
}

// patience is how long an import waits for a server that is just starting.
const patience = 5 * time.Second

// openTarget opens the data directory, or reaches the server that holds it.
func openTarget(ctx context.Context, c appConfig) (importTarget, error) {
	deadline := time.Now().Add(patience)
	for {
		a, err := openApp(ctx, c)
		if err == nil {
			return newDirect(ctx, a, c.site), nil
		}
		var inUse *inUseError
		if !errors.As(err, &inUse) {
			return nil, err
		}
		if remote, err := dialServer(ctx, c); err == nil {
			return remote, nil
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return nil, fmt.Errorf("%w, which takes no imports: wait until it has ended, or stop it", err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// importFiles imports one file after the other. A file that fails does not
// keep the next ones from being read.
func importFiles(ctx context.Context, target importTarget, names []string, p *progress) (collect.Summary, error) {
	total := collect.Summary{LeftOut: map[string]int64{}}
	var errs []error
	for _, name := range names {
		if ctx.Err() != nil {
			break
		}
		before := total.Pageviews
		err := withFile(name, func(data io.Reader, size int64) error {
			sum, err := target.send(ctx, name, data, func(now collect.Progress) {
				p.show(before+now.Committed, now.Bytes, size)
			})
			total.Add(sum)
			return err
		})
		if err != nil {
			errs = append(errs, err)
		}
	}
	p.end()
	if err := ctx.Err(); err != nil {
		errs = append(errs, errors.New("interrupted; the same command goes on where it was"))
	}
	return total, errors.Join(errs...)
}

// withFile opens a file, or standard input, whose size is then not known.
func withFile(name string, use func(data io.Reader, size int64) error) error {
	if name == "-" {
		return use(os.Stdin, 0)
	}
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fmt.Errorf("%s is a directory; name the files in it", name)
	}
	return use(file, info.Size())
}

// direct imports into a data directory that this process holds. Its site runs
// meanwhile, so that reports can be computed.
type direct struct {
	*app
	into    string // name of the site; empty means the only one
	stop    context.CancelFunc
	stopped chan error
}

func newDirect(ctx context.Context, a *app, into string) *direct {
	ctx, stop := context.WithCancel(ctx)
	d := &direct{app: a, into: into, stop: stop, stopped: make(chan error, 1)}
	go func() { d.stopped <- a.site.Run(ctx) }()
	return d
}

func (d *direct) send(ctx context.Context, name string, data io.Reader, progress func(collect.Progress)) (collect.Summary, error) {
	site, err := d.named(d.into)
	if err != nil {
		return collect.Summary{}, err
	}
	log := collect.Log{Name: filepath.Base(name), Site: site, Data: data}
	return d.server.Importer.Import(ctx, log, progress)
}

func (d *direct) refresh(ctx context.Context) error { return d.server.Refresh(ctx) }

func (d *direct) close() error {
	d.stop()
	if err := <-d.stopped; !errors.Is(err, context.Canceled) {
		return errors.Join(err, d.app.close())
	}
	return d.app.close()
}

// printSummary prints what an import did, for people.
func printSummary(w io.Writer, s collect.Summary) {
	fmt.Fprintf(w, "lines read      %s\n", number.Grouped(s.Lines))
	fmt.Fprintf(w, "pageviews kept  %s\n", number.Grouped(s.Pageviews))
	for _, reason := range []struct{ key, text string }{
		{collect.LeftNotAPage, "not a page"},
		{collect.LeftBot, "bots"},
		{collect.LeftFeedReader, "feed readers"},
		{collect.LeftBroken, "broken lines"},
		{collect.LeftAlreadyCounted, "already counted"},
	} {
		if n := s.LeftOut[reason.key]; n > 0 {
			fmt.Fprintf(w, "left out        %s %s\n", number.Grouped(n), reason.text)
		}
	}
	for _, b := range s.BrokenLines {
		fmt.Fprintf(w, "  %s:%d: %s\n", b.File, b.Line, b.Why)
	}
	if more := s.LeftOut[collect.LeftBroken] - int64(len(s.BrokenLines)); more > 0 {
		fmt.Fprintf(w, "  and %s more\n", number.Grouped(more))
	}
	if s.First != nil {
		fmt.Fprintf(w, "first           %s\nlast            %s\n", s.First.Format(time.RFC3339), s.Last.Format(time.RFC3339))
	}
	if s.Seconds > 0 {
		fmt.Fprintf(w, "took            %.1f s, %s lines a second\n", s.Seconds, number.Grouped(int64(float64(s.Lines)/s.Seconds)))
	}
}
