package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// Known tells all that is kept beside pageviews and stays.
func (s *Store) Known(ctx context.Context) (k pageview.Known, err error) {
	db, v, err := s.reader(ctx)
	if err != nil {
		return k, err
	}
	for name, site := range v.sites {
		known := pageview.KnownSite{
			Site:  pageview.Site{Name: name, Zone: site.zone, Precedence: site.precedence, Rate: site.rate},
			Marks: map[string]string{},
		}
		if err := readKnown(ctx, db, site.id, &known); err != nil {
			return k, fmt.Errorf("read what is known of %s: %w", name, err)
		}
		k.Sites = append(k.Sites, known)
	}
	slices.SortFunc(k.Sites, func(a, b pageview.KnownSite) int { return strings.Compare(a.Name, b.Name) })
	err = each(ctx, db, `SELECT token, name, digest FROM keys`, func(scan func(...any) error) error {
		var key pageview.Key
		var digest []byte
		err := scan(&key.Token, &key.Name, &digest)
		copy(key.Digest[:], digest)
		k.Keys = append(k.Keys, key)
		return err
	})
	if err != nil {
		return k, fmt.Errorf("read keys: %w", err)
	}
	return k, nil
}

func readKnown(ctx context.Context, db *sql.DB, site uint16, k *pageview.KnownSite) error {
	err := each(ctx, db, `SELECT prints, "offset", lines, print FROM logs WHERE site = ?`, func(scan func(...any) error) error {
		l, err := scanLog(scan)
		k.Logs = append(k.Logs, l)
		return err
	}, site)
	if err != nil {
		return err
	}
	err = each(ctx, db, `SELECT source, "at" FROM marks WHERE site = ?`, func(scan func(...any) error) error {
		var source, at string
		err := scan(&source, &at)
		k.Marks[source] = at
		return err
	}, site)
	if err != nil {
		return err
	}
	return db.QueryRowContext(ctx, `SELECT CAST(coalesce(sum(pageviews + bots), 0) AS BIGINT) FROM gone WHERE site = ?`, site).Scan(&k.Gone)
}

// Read reads the next pageviews and stays of a site in the order in which they
// were kept, those of about so many numbers. From is empty at the beginning and
// then what the last call returned; where nothing is left it stays as it is.
func (s *Store) Read(ctx context.Context, site, from string, most int) (b pageview.Batch, to string, err error) {
	var after uint64
	if from != "" {
		if after, err = strconv.ParseUint(from, 10, 64); err != nil {
			return b, from, fmt.Errorf("read pageviews from %q: %w", from, err)
		}
	}
	db, v, err := s.reader(ctx)
	if err != nil {
		return b, from, err
	}
	for after < v.through && len(b.Pageviews)+len(b.Stays) == 0 {
		span := rowSpan{site, after, min(after+uint64(most), v.through)}
		if b.Pageviews, err = span.pageviews(ctx, db); err != nil {
			return b, from, fmt.Errorf("read pageviews of %s: %w", site, err)
		}
		if b.Stays, err = span.stays(ctx, db); err != nil {
			return b, from, fmt.Errorf("read stays of %s: %w", site, err)
		}
		after = span.through
	}
	if after == 0 {
		return b, from, nil
	}
	return b, strconv.FormatUint(after, 10), nil
}

// rowSpan is the rows of a site with these sequence numbers.
type rowSpan struct {
	site           string
	after, through uint64
}

// where stands in the SQL as constants, by which DuckDB passes over rows.
func (r rowSpan) where(table string) string {
	return fmt.Sprintf(` WHERE s.name = %s AND %s.seq > %d AND %[2]s.seq <= %[4]d ORDER BY %[2]s.seq`, quote(r.site, '\''), table, r.after, r.through)
}

func (r rowSpan) pageviews(ctx context.Context, db *sql.DB) (views []pageview.Pageview, err error) {
	err = each(ctx, db, exports()["pageviews"]+r.where("v"), func(scan func(...any) error) error {
		v := pageview.Pageview{Site: r.site}
		var seq uint64
		var site, source string
		var day time.Time
		var hour sql.NullTime
		err := scan(&seq, &site, &v.At, &day, &hour, &v.Path, &v.Title, &v.Visitor, &v.Referrer, &v.ReferrerPage,
			&v.Campaign.Source, &v.Campaign.Medium, &v.Campaign.Name,
			&v.Browser, &v.System, &v.Device, &v.Country, &v.Language, &v.Bot, &source)
		if err != nil {
			return err
		}
		v.At, v.Day, v.Hour = v.At.UTC(), pageview.DayOf(day.UTC()), hour.Time.UTC()
		v.Source, err = pageview.ParseSource(source)
		views = append(views, v)
		return err
	})
	return views, err
}

func (r rowSpan) stays(ctx context.Context, db *sql.DB) (stays []pageview.Stay, err error) {
	err = each(ctx, db, exports()["stays"]+r.where("t"), func(scan func(...any) error) error {
		v := pageview.Stay{Site: r.site}
		var seq uint64
		var seconds int64
		var site string
		var day time.Time
		if err := scan(&seq, &site, &v.At, &day, &v.Path, &v.Visitor, &seconds); err != nil {
			return err
		}
		v.At, v.Day, v.For = v.At.UTC(), pageview.DayOf(day.UTC()), time.Duration(seconds)*time.Second
		stays = append(stays, v)
		return nil
	})
	return stays, err
}
