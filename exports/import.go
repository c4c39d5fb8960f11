package exports

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/pageview"
)

// LeftEvent is why a row is left out that tells of no page: a click, a
// download, a search, an event with a name.
const LeftEvent = "event"

// Importer reads exports into a store. It is safe for concurrent use.
type Importer struct {
	Store  pageview.Store
	Intake *collect.Intake
	Dir    string // where a file that is sent lies while it is read; empty means the system's
}

// File is an export to import.
type File struct {
	Name    string // for messages
	Program string // whose it is, one of Programs; empty means that the file tells it
	Site    *collect.Site
	Beside  bool      // it tells of other pageviews than exports read before, also of the same time
	Day     time.Time // on which sums without days are put; zero means that they are refused
	Data    io.Reader // as it was exported, also packed with gzip
}

// batchRows is how many rows are made durable at once.
const batchRows = 10_000

// Import reads an export. One that was read before is not read again, and one
// that was cut off goes on where it was. What another export of the program told
// of already, of the same time, is left out. When it fails, the summary tells what
// was committed.
func (im *Importer) Import(ctx context.Context, f File, progress func(collect.Progress)) (collect.Summary, error) {
	began := time.Now()
	r := &run{Importer: im, file: f, progress: progress}
	err := r.read(ctx)
	if err != nil {
		err = fmt.Errorf("import %s: %w", f.Name, err)
	}
	r.summary.Seconds = time.Since(began).Seconds()
	return r.summary, err
}

// run is one import under way.
type run struct {
	*Importer
	file     File
	progress func(collect.Progress)

	program string
	spans   spans
	first   time.Time // of the pageviews
	last    time.Time
	source  string // of the mark
	from    string // the mark that is committed
	done    int64  // rows that an earlier import made durable
	n       int64  // rows so far
	batch   []pageview.Pageview
	step    collect.Summary // since the last commit
	summary collect.Summary
	totals  totals
}

// item is a row of an export as a reader of its format gives it.
type item struct {
	seen   *collect.Seen
	left   string // why it is no pageview
	broken string // what is wrong with it; empty means nothing
	file   string // it is in
	line   int64  // from 1
}

// totals are sums of a file, by its own words and as they were made of it.
type totals struct {
	what     string // that is summed up; empty when the file tells no sums
	file     int64
	kept     int64
	visitors struct {
		told bool
		file int64
		seen map[visitorDay]struct{}
	}
}

// What is summed up.
const (
	sumPageviews = "pageviews"
	sumActions   = "actions"
)

type visitorDay struct {
	day     pageview.Day
	visitor uint64
}

func (r *run) read(ctx context.Context) error {
	spooled, err := spool(r.file.Data, r.Dir)
	if err != nil {
		return err
	}
	defer spooled.file.Close()
	in, err := r.open(spooled)
	if err != nil {
		return err
	}
	r.source = "export " + spooled.digest
	if r.from, err = r.Store.Mark(ctx, r.file.Site.Name, r.source); err != nil {
		return err
	}
	if r.from != "" {
		if r.done, err = strconv.ParseInt(r.from, 10, 64); err != nil {
			return errors.New("its mark cannot be read")
		}
	}
	if err := r.begin(ctx, spooled.digest); err != nil {
		return err
	}
	var stopped error // by us, not by the file
	err = in(ctx, func(i item) error {
		stopped = r.item(ctx, i)
		return stopped
	})
	if stopped != nil {
		return stopped
	}
	if err != nil { // what came before is right all the same
		return errors.Join(err, r.commit(ctx), r.end(ctx))
	}
	if err := r.commit(ctx); err != nil {
		return err
	}
	r.tell()
	return r.end(ctx)
}

// item makes a pageview of a row. Rows of an earlier import count for the
// totals only.
func (r *run) item(ctx context.Context, i item) error {
	r.n++
	var v pageview.Pageview
	left := i.left
	if i.broken == "" && left == "" {
		i.seen.Source = pageview.SourceExport
		var err error
		v, left, err = r.Intake.Pageview(ctx, r.file.Site, i.seen)
		if err != nil {
			return err
		}
	}
	kept := i.broken == "" && left == ""
	told := kept && r.told(i.seen.At)
	if kept && v.Bot == "" {
		if r.totals.what == sumPageviews {
			r.totals.kept++
		}
		if r.totals.visitors.told {
			r.totals.visitors.seen[visitorDay{v.Day, v.Visitor}] = struct{}{}
		}
	}
	r.step.Lines++
	switch {
	case r.n <= r.done:
		r.step.Leave(collect.LeftAlreadyCounted, 1)
		return nil
	case told:
		r.step.Leave(collect.LeftAlreadyCounted, 1)
	case i.broken != "":
		r.step.Break(collect.BrokenLine{File: i.file, Line: i.line, Why: i.broken})
	case left != "":
		r.step.Leave(left, 1)
	default:
		r.step.Keep(&v)
		r.batch = append(r.batch, v)
	}
	if r.n-r.done >= batchRows {
		return r.commit(ctx)
	}
	return nil
}

// commit makes what was read durable.
func (r *run) commit(ctx context.Context) error {
	if r.n > r.done {
		to := strconv.FormatInt(r.n, 10)
		err := r.Store.Append(ctx, pageview.Batch{
			Pageviews: r.batch,
			Mark:      &pageview.MarkStep{Site: r.file.Site.Name, Source: r.source, From: r.from, To: to},
		})
		if err != nil {
			return err
		}
		r.from, r.done, r.batch = to, r.n, r.batch[:0]
	}
	r.summary.Add(r.step)
	r.step = collect.Summary{}
	if r.progress != nil {
		r.progress(collect.Progress{Lines: r.summary.Lines, Committed: r.summary.Pageviews})
	}
	return nil
}

// tell compares the file's own sums with what was made of it.
func (r *run) tell() {
	if r.totals.what != "" {
		r.summary.Totals = append(r.summary.Totals, collect.Total{What: r.totals.what, File: r.totals.file, Kept: r.totals.kept})
	}
	if r.totals.visitors.told {
		r.summary.Totals = append(r.summary.Totals, collect.Total{
			What: "daily visitors", File: r.totals.visitors.file, Kept: int64(len(r.totals.visitors.seen)),
		})
	}
}

// errTooLarge ends a file that unpacks to more than anybody exports.
var errTooLarge = fmt.Errorf("it is larger than %d GiB", maxUnpacked>>30)
