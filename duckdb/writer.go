package duckdb

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"fmt"

	"github.com/beforehand-go/beforehand/pageview"
	driver "github.com/duckdb/duckdb-go/v2"
)

// site is a row of the table sites.
type site struct {
	id         uint16
	zone       string
	precedence pageview.Precedence // empty means the default
}

type pageKey struct {
	site uint16
	path string
}

type page struct {
	id    uint32
	title string
}

// writer holds the one connection that writes, and the dictionaries. Only the
// goroutine of Store.write uses it.
type writer struct {
	conn      *sql.Conn
	pageviews *driver.Appender
	seq       uint64 // of the pageview written last
	pages     map[pageKey]page
	names     map[string]uint32
	days      map[uint16]siteDays // of each site
	added     struct {            // since the last commit
		pages   []pageKey
		names   []string
		sources []sourceRow
	}

	// What readers are told of at the next commit. A map that they have is
	// replaced, never changed.
	sites    map[string]site
	mixed    map[uint16]siteDays // days with several sources
	newMixed map[uint16]bool     // of these sites readers do not have the map in mixed
}

func newWriter(ctx context.Context, db *sql.DB) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	w := &writer{
		conn:     conn,
		pages:    map[pageKey]page{},
		names:    map[string]uint32{"": 0},
		days:     map[uint16]siteDays{},
		sites:    map[string]site{},
		mixed:    map[uint16]siteDays{},
		newMixed: map[uint16]bool{},
	}
	if w.pageviews, err = w.appender("pageviews"); err == nil {
		err = w.load(ctx)
	}
	if err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// view is what readers are told of a commit.
func (w *writer) view() *view {
	clear(w.newMixed)
	return &view{w.seq, w.sites, w.mixed}
}

// close lets go of the connection; what was not committed is gone.
func (w *writer) close() {
	if w.pageviews != nil {
		w.pageviews.Close()
	}
	w.conn.Close()
}

func (w *writer) appender(table string) (a *driver.Appender, err error) {
	rawErr := w.conn.Raw(func(c any) error {
		a, err = driver.NewAppenderFromConn(c.(sqldriver.Conn), "", table)
		return nil
	})
	if rawErr != nil {
		return nil, rawErr
	}
	return a, err
}

// transaction writes a group. The first result holds, for each request, why
// it alone was refused.
func (w *writer) transaction(ctx context.Context, group []request) (refused []error, err error) {
	if _, err := w.conn.ExecContext(ctx, "BEGIN TRANSACTION"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			w.conn.ExecContext(ctx, "ROLLBACK")
		}
	}()
	refused = make([]error, len(group))
	for i, r := range group {
		refused[i], err = w.carryOut(ctx, r)
		if err != nil {
			return nil, err
		}
	}
	if err := w.pageviews.Flush(); err != nil {
		return nil, err
	}
	if err := w.writeAdded(); err != nil {
		return nil, err
	}
	_, err = w.conn.ExecContext(ctx, "COMMIT")
	return refused, err
}

// carryOut writes one request. The first error refuses it alone, before
// anything of it was written; the second ends the whole group.
func (w *writer) carryOut(ctx context.Context, r request) (refused, err error) {
	if r.site != nil {
		return nil, w.keepSite(ctx, *r.site)
	}
	for _, v := range r.batch.Pageviews {
		if _, ok := w.sites[v.Site]; !ok {
			return fmt.Errorf("site %q is not known", v.Site), nil
		}
	}
	if r.batch.Log != nil {
		if refused, err = w.moveMark(ctx, *r.batch.Log); refused != nil || err != nil {
			return refused, err
		}
	}
	if r.batch.Mark != nil {
		if refused, err = w.moveSourceMark(ctx, *r.batch.Mark); refused != nil || err != nil {
			return refused, err
		}
	}
	for i := range r.batch.Pageviews {
		if err := w.append(ctx, &r.batch.Pageviews[i]); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (w *writer) append(ctx context.Context, v *pageview.Pageview) error {
	st := w.sites[v.Site]
	p, err := w.page(ctx, pageKey{st.id, v.Path}, v.Title)
	if err != nil {
		return err
	}
	w.seq++
	if r := (sourceRow{st.id, v.Day, v.Source, v.Bot != "", w.seq}); w.noteSource(r) {
		w.added.sources = append(w.added.sources, r)
	}
	return w.pageviews.AppendRow(
		w.seq, st.id, micro(v.At), v.Day.Date(utc), p, v.Visitor,
		w.name(v.Referrer), w.name(v.Browser), w.name(v.System), w.name(v.Device),
		w.name(v.Bot), uint8(v.Source),
		micro(v.Hour), w.name(v.Country), w.name(v.Language), w.name(v.ReferrerPage),
		w.name(v.Campaign.Source), w.name(v.Campaign.Medium), w.name(v.Campaign.Name),
	)
}
