package duckdb

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/beforehand-go/beforehand/pageview"
)

var utc = time.UTC

// load reads the dictionaries and the last sequence number.
func (w *writer) load(ctx context.Context) error {
	err := each(ctx, w.conn, `SELECT id, name, zone, precedence, rate FROM sites`, func(scan func(...any) error) error {
		var name, precedence, rate string
		var s site
		err := scan(&s.id, &name, &s.zone, &precedence, &rate)
		if err == nil {
			s.precedence, err = pageview.ParsePrecedence(precedence)
		}
		if err == nil {
			s.rate, err = pageview.ParseRate(rate)
		}
		w.sites[name] = s
		return err
	})
	if err != nil {
		return fmt.Errorf("load sites: %w", err)
	}
	err = each(ctx, w.conn, `SELECT id, site, path, title FROM pages`, func(scan func(...any) error) error {
		var k pageKey
		var p page
		err := scan(&p.id, &k.site, &k.path, &p.title)
		w.keepPage(k, p)
		w.lastPage = max(w.lastPage, p.id)
		return err
	})
	if err != nil {
		return fmt.Errorf("load pages: %w", err)
	}
	err = each(ctx, w.conn, `SELECT id, name FROM names`, func(scan func(...any) error) error {
		var id uint32
		var name string
		err := scan(&id, &name)
		w.keepName(name, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("load names: %w", err)
	}
	for name, s := range w.sites {
		w.sites[name] = w.nameRate(s)
	}
	err = each(ctx, w.conn, `SELECT site, "day", source, bot, seq FROM sources`, func(scan func(...any) error) error {
		var r sourceRow
		var day time.Time
		err := scan(&r.site, &day, &r.source, &r.bot, &r.seq)
		r.day = pageview.DayOf(day.UTC())
		w.noteSource(r)
		return err
	})
	if err != nil {
		return fmt.Errorf("load sources: %w", err)
	}
	if err := w.loadKeys(ctx, time.Now()); err != nil {
		return fmt.Errorf("load keys: %w", err)
	}
	row := w.conn.QueryRowContext(ctx, `SELECT greatest((SELECT max(seq) FROM pageviews), (SELECT max(seq) FROM stays), (SELECT max(seq) FROM gone), 0)`)
	if err := row.Scan(&w.seq); err != nil {
		return fmt.Errorf("load sequence number: %w", err)
	}
	return nil
}

// keepSite adds a site, or changes the rules of a known one.
func (w *writer) keepSite(ctx context.Context, v pageview.Site) error {
	s, known := w.sites[v.Name]
	if !known {
		last := w.lastSite()
		if last == math.MaxUint16 {
			return refusal{fmt.Errorf("there are %d sites, and no more fit", last)}
		}
		s = site{id: last + 1, zone: v.Zone}
		_, err := w.conn.ExecContext(ctx, `INSERT INTO sites (id, name, zone) VALUES (?, ?, ?)`, s.id, v.Name, s.zone)
		if err != nil {
			return fmt.Errorf("keep site: %w", err)
		}
	}
	if len(v.Precedence) > 0 {
		s.precedence = v.Precedence
	}
	s.rate = v.Rate
	_, err := w.conn.ExecContext(ctx, `UPDATE sites SET precedence = ?, rate = ? WHERE id = ?`, s.precedence.String(), s.rate.String(), s.id)
	if err != nil {
		return fmt.Errorf("keep site: %w", err)
	}
	w.sites = maps.Clone(w.sites)
	w.sites[v.Name] = w.nameRate(s)
	return nil
}

// nameRate numbers the verdict of a site's rate.
func (w *writer) nameRate(s site) site {
	if s.fast = 0; s.rate != (pageview.Rate{}) {
		s.fast = w.name(pageview.BotRate)
	}
	return s
}

// lastSite is the highest number that a site has.
func (w *writer) lastSite() (last uint16) {
	for _, s := range w.sites {
		last = max(last, s.id)
	}
	return last
}

// page is the number of a page. A title that is not empty replaces the one
// known.
func (w *writer) page(k pageKey, title string) uint32 {
	p, ok := w.pages[k.site][k.path]
	if !ok {
		w.lastPage++
		p = page{id: w.lastPage, title: strings.Clone(title)}
		k.path = strings.Clone(k.path) // which may be a part of a large text
		w.keepPage(k, p)
		w.added.pages = append(w.added.pages, k)
		return p.id
	}
	if title == "" || title == p.title {
		return p.id
	}
	p.title = strings.Clone(title)
	w.keepPage(k, p)
	w.added.titles[p.id] = p.title
	return p.id
}

func (w *writer) keepPage(k pageKey, p page) {
	pages := w.pages[k.site]
	if pages == nil {
		pages = map[string]page{}
		w.pages[k.site] = pages
	}
	if _, known := pages[k.path]; !known {
		w.paths = put(w.paths, p.id, k.path)
	} else if !w.retitled {
		w.titles, w.retitled = slices.Clone(w.titles), true
	}
	w.titles = put(w.titles, p.id, p.title)
	pages[k.path] = p
}

func (w *writer) keepName(name string, id uint32) {
	w.names[name] = id
	w.words = put(w.words, id, name)
}

// put puts a text at its number. Some numbers before it may have none: those of a
// site that was deleted, or those that come later.
func put(texts []string, number uint32, text string) []string {
	if missing := int(number) + 1 - len(texts); missing > 0 {
		texts = append(texts, make([]string, missing)...)
	}
	texts[number] = text
	return texts
}

// name is the number of a name; the empty one is 0.
func (w *writer) name(name string) uint32 {
	if name == "" {
		return 0
	}
	m := w.met.of(name)
	if m.is(name) && m.id != 0 {
		return m.id
	}
	told := name
	id, ok := w.names[name]
	if !ok {
		name = strings.Clone(name) // which may be a part of a large text
		id = uint32(len(w.names))
		w.keepName(name, id)
		w.added.names = append(w.added.names, name)
	}
	*m = metName{told, id}
	return id
}

// metNames holds names that a group has. Most names of a pageview come from small
// tables of the ways in, and so from the same place in memory again and again:
// such a name is known without a look at its letters.
type metNames [1 << 10]metName

type metName struct {
	name string
	id   uint32 // zero means that it is only known to be fit to be kept
}

// of is where a name is held, if it is.
func (m *metNames) of(name string) *metName {
	at := uintptr(unsafe.Pointer(unsafe.StringData(name)))
	return &m[(at>>3^at>>13)%uintptr(len(m))]
}

// is tells whether a name is this one, by its place in memory. What is held
// there stays, since it is held.
func (m *metName) is(name string) bool {
	return len(m.name) == len(name) && unsafe.StringData(m.name) == unsafe.StringData(name)
}

// writeAdded writes the rows of what is new in the dictionaries.
func (w *writer) writeAdded(ctx context.Context) error {
	if len(w.added.pages) > 0 {
		err := w.appendAll("pages", len(w.added.pages), func(i int) []any {
			k := w.added.pages[i]
			p := w.pages[k.site][k.path]
			return []any{p.id, k.site, k.path, p.title}
		})
		if err != nil {
			return fmt.Errorf("write pages: %w", err)
		}
		w.added.pages = w.added.pages[:0]
	}
	for id, title := range w.added.titles { // after the rows of new pages
		if _, err := w.conn.ExecContext(ctx, `UPDATE pages SET title = ? WHERE id = ?`, title, id); err != nil {
			return fmt.Errorf("set title: %w", err)
		}
	}
	clear(w.added.titles)
	if len(w.added.names) > 0 {
		err := w.appendAll("names", len(w.added.names), func(i int) []any {
			name := w.added.names[i]
			return []any{w.names[name], name}
		})
		if err != nil {
			return fmt.Errorf("write names: %w", err)
		}
		w.added.names = w.added.names[:0]
	}
	if len(w.added.sources) > 0 {
		err := w.appendAll("sources", len(w.added.sources), func(i int) []any {
			r := w.added.sources[i]
			return []any{r.site, r.day.Date(utc), uint8(r.source), r.bot, r.seq}
		})
		if err != nil {
			return fmt.Errorf("write sources: %w", err)
		}
		w.added.sources = w.added.sources[:0]
	}
	return nil
}
