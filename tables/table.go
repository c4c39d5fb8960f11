package tables

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/database"
	"github.com/beforehand-go/beforehand/pageview"
)

// Further reasons why a row is left out.
const (
	LeftNoTime   = "no_time"   // NULL in the place of the time
	LeftBadTime  = "bad_time"  // the time cannot be read
	LeftBadTotal = "bad_total" // a total that is no number from zero on
	LeftTooMany  = "too_many"  // a total that grew by more than Config.Most
)

// Table is a table of a site that is read.
type Table struct {
	Config Config
	Site   *collect.Site
	DB     *database.DB
	Store  pageview.Store
	Intake *collect.Intake
	Logger *slog.Logger // nil means nothing is logged

	// Progress is told how many rows of how many were read; a total of zero
	// means that it is not known. Nil means that nobody is told.
	Progress func(done, total int64, line string)
}

// Job is the name of the job that reads the table.
func (t *Table) Job() string { return collect.JobName(collect.JobCollect, t.Site.Name, t.Config.Name) }

// batchRows is how many rows are read and made durable at once.
const batchRows = 10_000

// Check tells whether the table can be read as it is configured: whether the
// table and its columns are there, and what is if they are not.
func (t *Table) Check(ctx context.Context) error {
	_, err := t.open(ctx, time.Now())
	return err
}

// Run reads what the table has gained since the last run. When it fails, the
// summary tells what was committed; the next run goes on there. Runs of one
// table do not overlap: the later one fails with pageview.ErrMarkMoved.
func (t *Table) Run(ctx context.Context) (collect.Summary, error) {
	return t.run(ctx, time.Now())
}

func (t *Table) run(ctx context.Context, now time.Time) (collect.Summary, error) {
	began := time.Now()
	r, err := t.open(ctx, now)
	if err != nil {
		return collect.Summary{}, err
	}
	if t.Config.counts() {
		err = r.counters(ctx)
	} else {
		err = r.rows(ctx)
	}
	r.summary.Seconds = time.Since(began).Seconds()
	return r.summary, r.wrap(err)
}

func (t *Table) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("read table %s of site %s: %w", t.Config.Name, t.Site.Name, err)
}

// reading is one run under way.
type reading struct {
	*Table
	plan  *plan
	types database.Columns
	now   time.Time

	key     string // the key's columns, as the mark has them
	from    string // the mark that is committed
	at      *progress
	batch   []pageview.Pageview
	fresh   bool            // something was read since the last commit
	last    *witness        // the newest row of this run
	done    int64           // rows that were read
	total   int64           // of so many; zero is not known
	step    collect.Summary // since the last commit
	summary collect.Summary
}

func (t *Table) open(ctx context.Context, now time.Time) (*reading, error) {
	r := &reading{Table: t, now: now}
	var err error
	if r.plan, err = t.Config.read(); err != nil {
		return nil, t.wrap(err)
	}
	if r.types, err = t.DB.Columns(ctx, t.Config.Table); err != nil {
		return nil, t.wrap(err)
	}
	for _, name := range r.plan.names {
		if _, ok := r.types[name]; !ok {
			return nil, t.wrap(r.types.Missing(t.Config.Table, name))
		}
	}
	r.key = strings.Join(r.plan.keys, ", ")
	return r, nil
}

func (t *Table) source() string { return "table " + t.Config.Name }

// wholeKey tells whether the key is one column of whole numbers.
func (r *reading) wholeKey() bool {
	kind := strings.ToUpper(r.types[r.plan.keys[0]])
	return len(r.plan.keys) == 1 && (strings.Contains(kind, "INT") && !strings.Contains(kind, "INTERVAL") || strings.Contains(kind, "SERIAL"))
}

// rows reads a table that has a row for each pageview.
func (r *reading) rows(ctx context.Context) (err error) {
	if r.from, err = r.Store.Mark(ctx, r.Site.Name, r.source()); err != nil {
		return err
	}
	if r.at, err = decodeProgress(r.from, r.key, r.wholeKey()); err != nil {
		return err
	}
	if r.at.ids == nil {
		r.at.settle(r.now)
		if err := r.afterKey(ctx); err != nil {
			return err
		}
		return r.finish(ctx)
	}
	if err := r.notice(ctx); err != nil {
		return err
	}
	r.at.settle(r.now)
	if err := r.fillGaps(ctx); err != nil {
		return err
	}
	if err := r.afterID(ctx); err != nil {
		return err
	}
	return r.finish(ctx)
}

func (r *reading) finish(ctx context.Context) error {
	if r.at.end(r.now, r.last) {
		r.fresh = true
	}
	return r.commit(ctx)
}

// maxGaps is how many gaps are asked for in one query.
const maxGaps = 200

// fillGaps reads the rows that came late.
func (r *reading) fillGaps(ctx context.Context) error {
	gaps := r.at.ids.gaps()
	for len(gaps) > 0 {
		some := gaps[:min(len(gaps), maxGaps)]
		gaps = gaps[len(some):]
		key := r.DB.Name(r.plan.keys[0])
		var where []string
		args := []any{some[0].from, some[len(some)-1].to}
		for _, g := range some {
			where = append(where, fmt.Sprintf("(%s > %s AND %s < %s)", key, r.DB.Whole(len(args)+1), key, r.DB.Whole(len(args)+2)))
			args = append(args, g.from, g.to)
		}
		query := fmt.Sprintf("%s > %s AND %s < %s AND (%s)", key, r.DB.Whole(1), key, r.DB.Whole(2), strings.Join(where, " OR "))
		for {
			n, err := r.page(ctx, query, args)
			if err != nil {
				return err
			}
			if n < batchRows {
				break
			}
			args[0] = r.last.ID
			if err := r.commit(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// afterID reads the rows above the greatest number.
func (r *reading) afterID(ctx context.Context) error {
	query := r.DB.Name(r.plan.keys[0]) + " > " + r.DB.Whole(1)
	for {
		from := []any{r.at.ids.last()}
		n, err := r.page(ctx, query, from)
		if err != nil || n < batchRows {
			return err
		}
		if err := r.count(ctx, query, from); err != nil {
			return err
		}
		if err := r.commit(ctx); err != nil {
			return err
		}
	}
}

// afterKey reads the rows from the floor on; those of the window again.
func (r *reading) afterKey(ctx context.Context) error {
	at := r.at.keys.floor
	for {
		query, args := r.above(at)
		n, err := r.page(ctx, query, args)
		if err != nil || n < batchRows {
			return err
		}
		at = r.at.keys.met[len(r.at.keys.met)-1].key
		if err := r.count(ctx, query, args); err != nil {
			return err
		}
		if err := r.commit(ctx); err != nil {
			return err
		}
	}
}

// above is the condition for keys that come after a position.
func (r *reading) above(at position) (string, []any) {
	first := r.DB.Name(r.plan.keys[0])
	p := r.DB.Placeholder
	switch {
	case at == nil:
		return first + " IS NOT NULL", nil
	case len(at) == 1:
		return first + " > " + p(1), at
	}
	second := r.DB.Name(r.plan.keys[1])
	return fmt.Sprintf("%s >= %s AND (%s > %s OR %s > %s)", first, p(1), first, p(2), second, p(3)), []any{at[0], at[0], at[1]}
}

// page reads some rows, in the order of the key, and makes pageviews of those
// that are new. It tells how many there were.
func (r *reading) page(ctx context.Context, where string, args []any) (n int, err error) {
	var columns, order []string
	for _, name := range r.plan.names {
		columns = append(columns, r.DB.Column(name))
	}
	for _, name := range r.plan.keys {
		order = append(order, r.DB.Name(name))
	}
	query := fmt.Sprintf("SELECT %s FROM %s WHERE %s ORDER BY %s LIMIT %d",
		strings.Join(columns, ", "), r.DB.Name(r.Config.Table), where, strings.Join(order, ", "), batchRows)
	list, err := r.query(ctx, query, args)
	r.done += int64(len(list))
	for i := range list {
		if err := r.row(ctx, &list[i]); err != nil {
			return 0, err
		}
	}
	return len(list), err
}

// count counts the rows that are to be read, where they are so many that somebody
// may want to know how far it is: a page was full.
func (r *reading) count(ctx context.Context, where string, args []any) error {
	if r.total > 0 || r.Progress == nil {
		return nil
	}
	err := r.DB.Read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, "SELECT count(*) FROM "+r.DB.Name(r.Config.Table)+" WHERE "+where, args...).Scan(&r.total)
	})
	r.total += r.done - batchRows // what was read before that page
	return err
}

// tell tells how far it is.
func (r *reading) tell() {
	if r.Progress != nil {
		r.Progress(r.done, max(r.total, r.done), r.Config.Table)
	}
}

// query reads rows whole, so that the database is let go of before anything is
// made of them: on SQLite a site's own writer waits for a reader.
func (r *reading) query(ctx context.Context, query string, args []any) ([]row, error) {
	var list []row
	err := r.DB.Read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		into := make([]any, len(r.plan.names))
		for rows.Next() {
			values := make([]any, len(r.plan.names))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				return err
			}
			list = append(list, row{values})
		}
		return rows.Err()
	})
	return list, err
}

// row makes a pageview of a row that is new.
func (r *reading) row(ctx context.Context, w *row) error {
	at, bad := r.plan.time.read(r.value(w, partAt), r.DB.Zoned(r.types[r.Config.Columns.At]))
	isNew, err := r.meet(w, bad == nil && at.After(r.now.Add(window)))
	if err != nil || !isNew {
		return err
	}
	r.fresh = true
	r.step.Lines++
	switch {
	case errors.Is(bad, errNoTime):
		r.step.Leave(LeftNoTime, 1)
		return nil
	case bad != nil:
		r.step.Leave(LeftBadTime, 1)
		r.step.Name(collect.BrokenLine{File: r.Config.Table, Line: r.summary.Lines + r.step.Lines, Why: bad.Error()})
		return nil
	}
	v, left, err := r.Intake.Pageview(ctx, r.Site, r.seen(w, at, pageview.SourceTable))
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

// value is what a part's only column has.
func (r *reading) value(w *row, part int) any { return w.values[r.plan.fields[part].index[0]] }

// meet notes a row, and tells whether it is new.
func (r *reading) meet(w *row, future bool) (bool, error) {
	if r.at.keys != nil {
		return r.at.keys.meet(keyOf(w.values[:len(r.plan.keys)]), future), nil
	}
	id, ok := w.values[0].(int64)
	if !ok {
		s, _ := text(w.values[0])
		return false, fmt.Errorf("the key %s has the value %.40q, which is no whole number up to 2^63", r.key, s)
	}
	now, _ := text(r.value(w, partAt))
	r.last = &witness{id, now}
	if len(r.at.witnesses) == 0 {
		r.at.witnesses = []witness{*r.last}
	}
	return r.at.ids.add(id), nil
}

// keyOf is a row's key, apart from what a driver may use again.
func keyOf(values []any) position {
	key := make(position, len(values))
	for i, v := range values {
		if b, ok := v.([]byte); ok {
			v = string(b)
		}
		key[i] = v
	}
	return key
}

func (r *reading) seen(w *row, at time.Time, source pageview.Source) *collect.Seen {
	part := func(i int) string {
		s, _ := r.plan.fields[i].of(w)
		return s
	}
	addr, _, _ := strings.Cut(part(partAddr), "/") // PostgreSQL's inet may have a length
	return &collect.Seen{
		At: at, URL: part(partURL), Host: part(partHost), Title: part(partTitle), Referrer: part(partReferrer),
		Addr: addr, Agent: part(partAgent), NoAgent: r.plan.fields[partAgent].none(),
		Told:     collect.Agent{Browser: part(partBrowser), System: part(partSystem), Device: part(partDevice)},
		Language: part(partLanguage), Country: part(partCountry), Visitor: part(partVisitor), Source: source,
	}
}

// commit makes what was read durable, together with how far that is.
func (r *reading) commit(ctx context.Context) error {
	if !r.fresh {
		return nil
	}
	to, err := r.at.encode(r.key)
	if err != nil {
		return err
	}
	return r.append(ctx, r.source(), to)
}

func (r *reading) append(ctx context.Context, source, to string) error {
	err := r.Store.Append(ctx, pageview.Batch{
		Pageviews: r.batch,
		Mark:      &pageview.MarkStep{Site: r.Site.Name, Source: source, From: r.from, To: to},
	})
	if err != nil {
		return err
	}
	r.from, r.batch, r.fresh = to, r.batch[:0], false
	r.summary.Add(r.step)
	r.step = collect.Summary{}
	r.tell()
	return nil
}

func (r *reading) log() *slog.Logger { return cmp.Or(r.Logger, slog.New(slog.DiscardHandler)) }
