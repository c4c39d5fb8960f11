package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/exports"
	"github.com/beforehand-go/beforehand/internal/datadir"
	"github.com/beforehand-go/beforehand/internal/number"
	"golang.org/x/sync/errgroup"
)

// importTarget is where a log goes: into a data directory, or to the server
// that holds it.
type importTarget interface {
	// send imports a file, whose site it fills in.
	send(ctx context.Context, l sending, progress func(collect.Progress)) (collect.Summary, error)
	refresh(ctx context.Context) error
	close() error
}

// sending is a file on its way: a log, or an export of another program.
type sending struct {
	collect.Log
	follow  bool // it goes on for as long as the log is written
	export  bool
	program string // whose export it is; empty means that the file tells it
	beside  bool   // it tells of other pageviews than exports read before
	day     string // on which sums without days are put
}

const importUsage = `import [flags] FILE…

Reads access logs: combined, common, both with a host in front, JSON of nginx
and Caddy, CloudFront, W3C (IIS). The format of each file is told by its first
lines. Files may be packed with gzip, zstd or bzip2; - is standard input; of a
directory the files in it are read that are logs or exports. A file
that was read before goes on where it was, also when it was renamed or packed
meanwhile. An export of GoatCounter, Plausible, Umami or Matomo is told by its
content as well.`

func runImport(ctx context.Context, s stdio, args []string) error {
	c := appConfig{command: "import", log: slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	var asJSON, follow, beside bool
	var format, program, day string
	f := newFlags(importUsage)
	c.add(f, "data")
	c.addEngines(f)
	f.StringVar(&format, "format", "", "`format` of the files: one of "+strings.Join(collect.FormatNames(), ", ")+", or a format string of nginx or Apache")
	f.StringVar(&program, "from", "", "`program` whose exports the files are: "+strings.Join(exports.Programs, ", "))
	f.BoolVar(&beside, "beside", false, "the exports tell of other pageviews than those read before, also where they tell of the same time")
	f.StringVar(&day, "day", "", "`day`, such as 2026-01-31, on which exports are put that have sums without days")
	f.BoolVar(&follow, "follow", false, "go on reading the files as they are written and rotated, until stopped")
	f.BoolVar(&asJSON, "json", false, "print the summary as one JSON object")
	if err := f.parse(s, args, 1<<20); err != nil {
		return err
	}
	if f.NArg() == 0 {
		return usageError{errors.New("no file named")}
	}
	if follow && slices.Contains(f.Args(), "-") {
		return usageError{errors.New("standard input cannot be followed")}
	}
	if err := checkNamed(f.Args(), follow); err != nil {
		return err
	}
	if program != "" && !slices.Contains(exports.Programs, program) {
		return usageError{fmt.Errorf("--from %s: allowed are %s", program, strings.Join(exports.Programs, ", "))}
	}
	if (program != "" || day != "") && (follow || format != "") {
		return usageError{errors.New("--from and --day are for exports, --follow and --format for logs")}
	}
	if _, err := exports.ParseDay(day); err != nil {
		return usageError{fmt.Errorf("--day %s: %w", day, err)}
	}
	if format != "" {
		if err := collect.CheckFormat(format); err != nil {
			return usageError{fmt.Errorf("--format: %w", err)}
		}
	}
	// One goroutine parses and one writes, and several reports are computed at
	// once. Threads beside these spin while others wait for the disk.
	c.threads, c.unread = 1, true
	if err := c.load(f); err != nil {
		return err
	}
	target, err := openTarget(ctx, c)
	if err != nil {
		return err
	}
	im := &importing{target: target, format: format, program: program, beside: beside, day: day, progress: newProgress(s.err), stderr: s.err, total: collect.Summary{LeftOut: map[string]int64{}}}
	if follow {
		im.follow(ctx, f.Args(), c.log)
	} else {
		err = im.named(ctx, f.Args())
	}
	total := im.total
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

// checkNamed refuses a directory that is to be followed, and names of which none
// is there, before anything is opened or made. A log that is followed need not
// be there yet.
func checkNamed(names []string, follow bool) error {
	var missing []error
	for _, name := range names {
		info, err := os.Stat(name)
		if follow && err == nil && info.IsDir() {
			return usageError{fmt.Errorf("--follow is for files, and %s is a directory: name its files", name)}
		}
		if name != "-" && errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, notThere(name))
		}
	}
	if follow || len(missing) < len(names) {
		return nil
	}
	return errors.Join(missing...)
}

func notThere(name string) error {
	return fmt.Errorf("there is no file %s: name an access log, such as /var/log/nginx/access.log, an export of another program, a directory of them, or - for standard input", name)
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
		var inUse *datadir.InUseError
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

// importing is an import under way.
type importing struct {
	target   importTarget
	format   string
	program  string // whose exports the files are; empty means that they tell it, or are logs
	beside   bool   // they tell of other pageviews than exports read before
	day      string // on which sums without days are put
	progress *progress
	stderr   io.Writer

	mu        sync.Mutex
	committed int64 // by all logs
	total     collect.Summary
}

// one imports one log. Its committed pageviews are shown together with those
// of the other logs.
func (im *importing) one(ctx context.Context, l sending, size int64) error {
	l.Format = cmp.Or(im.format, l.Format)
	var own int64
	sum, err := im.target.send(ctx, l, func(now collect.Progress) {
		im.mu.Lock()
		defer im.mu.Unlock()
		im.committed += now.Committed - own
		own = now.Committed
		im.progress.show(im.committed, now.Bytes, size)
	})
	im.mu.Lock()
	defer im.mu.Unlock()
	im.total.Add(sum)
	return err
}

// named imports one file after the other, and of a directory the files in it. One
// that fails does not keep the next ones from being read.
func (im *importing) named(ctx context.Context, names []string) error {
	var errs []error
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			errs = append(errs, im.directory(ctx, name))
		} else {
			errs = append(errs, im.file(ctx, name))
		}
	}
	im.progress.end()
	if err := ctx.Err(); err != nil {
		errs = append(errs, errors.New("interrupted; the same command goes on where it was"))
	}
	return errors.Join(errs...)
}

// directory imports the files that lie in a directory, but not those of
// directories in it. One that is neither a log nor an export is passed over and
// named.
func (im *importing) directory(ctx context.Context, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var errs []error
	n := 0
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		err := im.file(ctx, path)
		switch {
		case errors.Is(err, collect.ErrFormat), errors.Is(err, collect.ErrNothing):
			im.progress.end()
			fmt.Fprintf(im.stderr, "passed over %s: it holds no pageviews in a format that is known\n", path)
			continue
		case err != nil:
			errs = append(errs, err)
		}
		n++
	}
	if n == 0 && ctx.Err() == nil {
		errs = append(errs, fmt.Errorf("%s: no file in it is a log or an export that is known; name its files, and their format with --format", dir))
	}
	return errors.Join(errs...)
}

func (im *importing) file(ctx context.Context, name string) error {
	if ctx.Err() != nil {
		return nil
	}
	return withFile(name, func(data io.Reader, size int64) error {
		in := bufio.NewReaderSize(data, 64<<10)
		return im.one(ctx, sending{
			Log:    collect.Log{Name: filepath.Base(name), Data: in},
			export: im.program != "" || im.format == "" && exports.Sniff(in), program: im.program, beside: im.beside, day: im.day,
		}, size)
	})
}

// follow imports files as they are written, until ctx ends.
func (im *importing) follow(ctx context.Context, names []string, log *slog.Logger) {
	var wg sync.WaitGroup
	for _, name := range names {
		wg.Go(func() {
			collect.Follow(ctx, collect.Following{
				Path:   name,
				Import: func(ctx context.Context, l collect.Log) error { return im.one(ctx, sending{Log: l, follow: true}, 0) },
				Failed: func(err error) { log.Warn("import failed and is tried again", "file", name, "error", err) },
			})
		})
	}
	wg.Wait()
	im.progress.end()
}

// withFile opens a file, or standard input, whose size is then not known.
func withFile(name string, use func(data io.Reader, size int64) error) error {
	if name == "-" {
		return use(os.Stdin, 0)
	}
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return notThere(name)
	}
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	return use(file, info.Size())
}

// direct imports into a data directory that this process holds.
type direct struct {
	*app
	into    string // name of the site; empty means the only one
	begin   func() // has the site run, so that reports can be computed
	stop    context.CancelFunc
	running *errgroup.Group
}

func newDirect(ctx context.Context, a *app, into string) *direct {
	ctx, stop := context.WithCancel(ctx)
	d := &direct{app: a, into: into, stop: stop, running: new(errgroup.Group)}
	d.running.Go(func() error { return a.keepSalts(ctx) })
	d.begin = sync.OnceFunc(func() {
		d.running.Go(func() error { return a.site.Run(ctx) })
	})
	return d
}

func (d *direct) send(ctx context.Context, l sending, progress func(collect.Progress)) (collect.Summary, error) {
	var err error
	if l.Site, err = d.named(d.into); err != nil {
		return collect.Summary{}, err
	}
	if l.follow { // for so long that reports become due
		d.begin()
	}
	if l.export {
		day, err := exports.ParseDay(l.day)
		if err != nil {
			return collect.Summary{}, err
		}
		return d.server.Exports.Import(ctx, exports.File{Name: l.Name, Program: l.program, Beside: l.beside, Day: day, Site: l.Site, Data: l.Data}, progress)
	}
	return d.server.Importer.Import(ctx, l.Log, progress)
}

// firstWait is how long an import waits at most for what a site computes at its
// start, before it asks.
const firstWait = time.Minute

// refresh has the reports computed. Those that have no result are computed when
// the site begins to run, and were they asked for meanwhile, they would be once
// more.
func (d *direct) refresh(ctx context.Context) error {
	d.begin()
	first, cancel := context.WithTimeout(ctx, firstWait)
	_ = d.server.Ready(first) // what is missing then is asked for
	cancel()
	return d.server.Refresh(ctx)
}

func (d *direct) close() error {
	d.stop()
	if err := d.running.Wait(); !errors.Is(err, context.Canceled) {
		return errors.Join(err, d.app.close())
	}
	return d.app.close()
}

// leftOutTexts say for people why lines were left out.
var leftOutTexts = []struct{ key, text string }{
	{collect.LeftStatic, "static files"},
	{collect.LeftStatus, "not answered 200 or 304"},
	{collect.LeftMethod, "not asked with GET"},
	{collect.LeftNotAPage, "no requests for a page"},
	{collect.LeftOtherHost, "of another host"},
	{collect.LeftExcluded, "excluded by the site's rules"},
	{collect.LeftTime, "before 1995 or in the future"},
	{collect.LeftBot, "bots"},
	{collect.LeftFeedReader, "feed readers"},
	{exports.LeftEvent, "events, which tell of no page"},
	{collect.LeftBroken, "broken lines"},
	{collect.LeftComment, "comments"},
	{collect.LeftAlreadyCounted, "already counted"},
}

// printSummary prints what an import did, for people.
func printSummary(w io.Writer, s collect.Summary) {
	if s.Format != "" {
		fmt.Fprintf(w, "format          %s\n", s.Format)
	}
	fmt.Fprintf(w, "lines read      %s\n", number.Grouped(s.Lines))
	fmt.Fprintf(w, "pageviews kept  %s\n", number.Grouped(s.Pageviews))
	for _, reason := range leftOutTexts {
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
	for _, t := range s.Totals {
		fmt.Fprintf(w, "by the file     %s %s; here %s\n", number.Grouped(t.File), t.What, number.Grouped(t.Kept))
	}
	if s.First != nil {
		fmt.Fprintf(w, "first           %s\nlast            %s\n", s.First.Format(time.RFC3339), s.Last.Format(time.RFC3339))
	}
	if s.Seconds > 0 {
		fmt.Fprintf(w, "took            %.1f s, %s lines a second\n", s.Seconds, number.Grouped(int64(float64(s.Lines)/s.Seconds)))
	}
}
