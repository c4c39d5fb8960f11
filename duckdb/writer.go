package duckdb

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/pageview/engine"
	driver "github.com/duckdb/duckdb-go/v2"
)

// site is a row of the table sites.
type site struct {
	id         uint16
	zone       string
	precedence pageview.Precedence // empty means the default
	rate       pageview.Rate
	fast       uint32 // number of the name BotRate, where there is a rate
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
	pageviews *inserter[viewRow]
	stays     *inserter[stayRow]
	spool     *spool // where rows of both are on disk until DuckDB has them
	tail      *tail
	seq       uint64 // of the pageview or stay written last
	keys      keys
	pages     map[uint16]map[string]page // of each site, by path
	lastPage  uint32                     // the highest number that a page has
	names     map[string]uint32
	met       *metNames
	days      map[uint16]siteDays // of each site
	begun     bool                // a transaction
	added     struct {            // since the last transaction
		pages   []pageKey
		titles  map[uint32]string // of pages, by number
		names   []string
		sources []sourceRow
		keys    map[keyName][32]byte // and digests
	}

	// What readers are told of at the next commit. A map that they have is
	// replaced, never changed.
	sites    map[string]site
	mixed    map[uint16]siteDays // days with several sources
	newMixed map[uint16]bool     // of these sites readers do not have the map in mixed
	paths    []string            // of pages, by number; what readers have of it is never changed
	titles   []string            // the same; where one changes, all are replaced
	retitled bool                // readers do not have what is in titles
	words    []string            // names, by number; the same
}

func newWriter(ctx context.Context, db *sql.DB) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	w := &writer{
		conn:     conn,
		pages:    map[uint16]map[string]page{},
		names:    map[string]uint32{"": 0},
		met:      new(metNames),
		days:     map[uint16]siteDays{},
		sites:    map[string]site{},
		mixed:    map[uint16]siteDays{},
		newMixed: map[uint16]bool{},
		words:    []string{""},
		keys:     newKeys(),
	}
	w.added.titles = map[uint32]string{}
	w.added.keys = map[keyName][32]byte{}
	if w.pageviews, err = newInserter(ctx, conn, "pageviews", viewColumns()); err == nil {
		w.stays, err = newInserter(ctx, conn, "stays", stayColumns())
	}
	if err == nil {
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
	w.retitled = false
	return &view{w.seq, w.sites, w.mixed, w.paths, w.titles, w.words}
}

// close lets go of the connection; what is neither committed nor in the spool is
// gone.
func (w *writer) close() {
	_ = w.spool.close() // what it leaves is known to be in DuckDB, or is taken up again
	w.pageviews.close()
	w.stays.close()
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

// screen refuses what cannot be kept, before anything of it is written. It tells
// whether the batch's source has a mark.
func (w *writer) screen(ctx context.Context, b *pageview.Batch) (marked bool, err error) {
	if b.Key != nil {
		if err := w.screenKey(ctx, b.Key); err != nil {
			return marked, err
		}
	}
	for i := range b.Pageviews {
		if err := w.screenPageview(&b.Pageviews[i]); err != nil {
			return marked, refusal{err}
		}
	}
	for i := range b.Stays {
		if err := w.screenStay(&b.Stays[i]); err != nil {
			return marked, refusal{err}
		}
	}
	if b.Log != nil {
		if err := w.screenLog(ctx, b.Log); err != nil {
			return marked, err
		}
	}
	if b.Mark != nil {
		marked, err = w.screenMark(ctx, b.Mark)
	}
	return marked, err
}

func (w *writer) screenPageview(v *pageview.Pageview) error {
	for _, text := range engine.Texts(v) {
		if text == "" {
			continue
		}
		m := w.met.of(text)
		if m.is(text) {
			continue
		}
		if err := valid(text); err != nil {
			return err
		}
		*m = metName{text, 0}
	}
	return w.screenTime(v.Site, v.At, v.Day, v.Hour)
}

func (w *writer) screenStay(v *pageview.Stay) error {
	if v.For < 0 || v.For > maxStay {
		return fmt.Errorf("a stay of %v", v.For)
	}
	if err := valid(v.Path); err != nil {
		return err
	}
	return w.screenTime(v.Site, v.At, v.Day, v.At)
}

// maxStay is the longest stay that is kept.
const maxStay = 366 * 24 * time.Hour

// valid refuses text that DuckDB would refuse together with the whole group.
func valid(texts ...string) error {
	for _, text := range texts {
		if !utf8.ValidString(text) {
			return fmt.Errorf("text that is not valid UTF-8: %.100q", text)
		}
	}
	return nil
}

// firstTime and lastTime bound what every reader of the file can take.
var (
	firstTime = pageview.FirstDay.Date(utc)
	lastTime  = pageview.LastDay.Date(utc)
)

// screenTime refuses what is of no known site or at no possible time.
func (w *writer) screenTime(site string, at time.Time, day pageview.Day, hour time.Time) error {
	if _, ok := w.sites[site]; !ok {
		return fmt.Errorf("site %q is not known", site)
	}
	for _, t := range [...]time.Time{at, hour} {
		if t.Before(firstTime) || t.After(lastTime) {
			return fmt.Errorf("a time in the year %d", t.Year())
		}
	}
	if day < pageview.FirstDay || day > pageview.LastDay {
		return fmt.Errorf("day %d", day)
	}
	return nil
}

// write writes a batch that was screened; marked tells whether its source has a
// mark.
func (w *writer) write(ctx context.Context, b *pageview.Batch, marked bool) error {
	if b.Key != nil {
		w.added.keys[keyName{b.Key.Token, b.Key.Name}] = b.Key.Digest
	}
	if b.Log != nil {
		if err := w.moveLog(ctx, b.Log); err != nil {
			return fmt.Errorf("move mark of log file: %w", err)
		}
	}
	if b.Mark != nil {
		if err := w.moveMark(ctx, b.Mark, marked); err != nil {
			return fmt.Errorf("move mark of %s: %w", b.Mark.Source, err)
		}
	}
	for i := range b.Pageviews {
		w.append(&b.Pageviews[i])
	}
	for i := range b.Stays {
		w.appendStay(&b.Stays[i])
	}
	return nil
}

func (w *writer) append(v *pageview.Pageview) {
	st := w.sites[v.Site]
	p := w.page(pageKey{st.id, v.Path}, v.Title)
	w.seq++
	if r := (sourceRow{st.id, v.Day, v.Source, v.Bot != "", w.seq}); w.noteSource(r) {
		w.added.sources = append(w.added.sources, r)
	}
	w.pageviews.rows = append(w.pageviews.rows, viewRow{
		seenRow: seenRow{seq: w.seq, site: st.id, at: micros(v.At.UnixMicro()), day: v.Day, page: p, visitor: v.Visitor},
		hour:    micros(v.Hour.UnixMicro()), source: uint8(v.Source),
		referrer: w.name(v.Referrer), browser: w.name(v.Browser), system: w.name(v.System), device: w.name(v.Device), bot: w.name(v.Bot),
		country: w.name(v.Country), language: w.name(v.Language), referrerPage: w.name(v.ReferrerPage),
		campaignSource: w.name(v.Campaign.Source), campaignMedium: w.name(v.Campaign.Medium), campaign: w.name(v.Campaign.Name),
	})
}

func (w *writer) appendStay(v *pageview.Stay) {
	st := w.sites[v.Site]
	p := w.page(pageKey{st.id, v.Path}, "")
	w.seq++
	w.stays.rows = append(w.stays.rows, stayRow{
		seenRow: seenRow{seq: w.seq, site: st.id, at: micros(v.At.UnixMicro()), day: v.Day, page: p, visitor: v.Visitor},
		seconds: uint32(v.For.Round(time.Second).Seconds()),
	})
}
