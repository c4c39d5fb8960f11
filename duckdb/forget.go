package duckdb

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// forget deletes a site's pageviews and stays of the days before one, of those
// that were kept up to a sequence number: that up to which they were added to
// whatever is to outlive them. It returns how many it deleted. Which sources
// count on a day stays as it was, and Sources goes on telling of it.
//
// Each day is a transaction of its own, so that nobody who sends pageviews
// waits for long. The file does not shrink; its room is used again.
func (s *Store) forget(ctx context.Context, name string, before pageview.Day, through uint64) (int64, error) {
	db, v, err := s.reader(ctx)
	if err != nil {
		return 0, err
	}
	site := v.sites[name].id
	const query = `
		SELECT "day" FROM pageviews WHERE site = $1 AND "day" < $2 AND seq <= $3
		UNION SELECT "day" FROM stays WHERE site = $1 AND "day" < $2 AND seq <= $3 ORDER BY 1`
	var days []time.Time
	err = each(ctx, db, query, func(scan func(...any) error) error {
		var day time.Time
		err := scan(&day)
		days = append(days, day.UTC())
		return err
	}, site, before.Date(utc), through)
	var rows int64
	for _, day := range days {
		if err == nil {
			err = s.do(ctx, func(ctx context.Context, w *writer) error {
				n, err := w.forgetDay(ctx, site, day, through)
				rows += n
				return err
			})
			s.mirror.forget(site)
		}
	}
	if err != nil {
		return rows, fmt.Errorf("forget pageviews of %s before %s: %w", name, before, err)
	}
	return rows, nil
}

// forgetDay deletes the rows of one day, and keeps what they were.
func (w *writer) forgetDay(ctx context.Context, site uint16, day time.Time, through uint64) (rows int64, err error) {
	const those = ` WHERE site = $1 AND "day" = $2 AND seq <= $3`
	for _, statement := range []string{
		`INSERT INTO gone
		SELECT site, "day", source, count(*) FILTER (bot = 0), count(*) FILTER (bot <> 0), max(seq)
		FROM pageviews` + those + ` GROUP BY ALL`,
		`INSERT INTO gone SELECT site, "day", 0, 0, 0, max(seq) FROM stays` + those + ` GROUP BY ALL`,
		`INSERT INTO stayed SELECT site, "day", page, count(*), sum(seconds) FROM stays` + those + ` GROUP BY ALL`,
		`DELETE FROM stays` + those,
		`DELETE FROM pageviews` + those,
	} {
		r, err := w.conn.ExecContext(ctx, statement, site, day, through)
		if err != nil {
			return 0, fmt.Errorf("delete %s: %w", day.Format(time.DateOnly), err)
		}
		if rows, err = r.RowsAffected(); err != nil {
			return 0, err
		}
	}
	return rows, nil
}

// Drop deletes a site with all that is kept of it, in this and in every other
// table with a column named site. Its name can be used anew.
func (s *Store) Drop(ctx context.Context, name string) error {
	_, v, err := s.reader(ctx)
	if err != nil {
		return err
	}
	if _, ok := v.sites[name]; !ok {
		return fmt.Errorf("delete site %q: %w", name, pageview.ErrNoSite)
	}
	if _, err := s.forget(ctx, name, pageview.LastDay, v.through); err != nil {
		return err
	}
	// Nothing is added up while the site goes.
	s.folding.Lock()
	defer s.folding.Unlock()
	s.recent.forget(v.sites[name].id)
	s.pending.forget(v.sites[name].id)
	delete(s.recent.noRoom, v.sites[name].id)
	err = s.do(ctx, func(ctx context.Context, w *writer) error { return w.drop(ctx, name) })
	if err == nil {
		s.marks.Lock()
		maps.DeleteFunc(s.marks.of, func(k markKey, _ mark) bool { return k.site == v.sites[name].id })
		s.mirror.clear()
		s.marks.Unlock()
	}
	if err != nil {
		return fmt.Errorf("delete site %q: %w", name, err)
	}
	return nil
}

func (w *writer) drop(ctx context.Context, name string) error {
	site, ok := w.sites[name]
	if !ok {
		return nil // by somebody else, meanwhile
	}
	statements := []string{fmt.Sprintf(`DELETE FROM sites WHERE id = %d`, site.id)}
	const tables = `SELECT table_name FROM duckdb_columns() WHERE column_name = 'site' AND NOT internal AND database_name = current_database()`
	err := each(ctx, w.conn, tables, func(scan func(...any) error) error {
		var table string
		err := scan(&table)
		statements = append(statements, fmt.Sprintf(`DELETE FROM %s WHERE site = %d`, quote(table, '"'), site.id))
		return err
	})
	if err != nil {
		return err
	}
	statements = append(statements, fmt.Sprintf(`INSERT INTO gone VALUES (0, DATE '1970-01-01', 0, 0, 0, %d)`, w.seq))
	for _, statement := range statements {
		if _, err := w.conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	w.tail.begin(w.seq) // its number can be given to another site
	w.sites, w.mixed = maps.Clone(w.sites), maps.Clone(w.mixed)
	delete(w.sites, name)
	delete(w.mixed, site.id)
	delete(w.days, site.id)
	delete(w.pages, site.id)
	return nil
}

// quote puts text between marks as SQL has it.
func quote(text string, mark rune) string {
	m := string(mark)
	return m + strings.ReplaceAll(text, m, m+m) + m
}
