package clickhouse

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// Known tells all that is kept beside pageviews and stays. Of keys it tells
// those that are not two days old.
func (s *Store) Known(ctx context.Context) (k pageview.Known, err error) {
	v, err := s.current(ctx)
	if err != nil {
		return k, err
	}
	for _, name := range slices.Sorted(maps.Keys(v.sites)) {
		site := v.sites[name]
		known := pageview.KnownSite{
			Site:  pageview.Site{Name: name, Zone: site.zone, Precedence: site.precedence, Rate: site.rate},
			Marks: map[string]string{},
		}
		for at, g := range v.gone[name] {
			if at.part == counts {
				known.Gone += g.rows
			}
		}
		if err := s.readKnown(ctx, site, &known); err != nil {
			return k, fmt.Errorf("read what is known of %s: %w", name, err)
		}
		k.Sites = append(k.Sites, known)
	}
	query := fmt.Sprintf("SELECT name, value FROM ledger WHERE kind = %d AND block > %d", kindKey, time.Now().Add(-keyLife).UnixMicro())
	err = s.server.each(ctx, query, func(scan func(...any) error) error {
		var name, digest string
		if err := scan(&name, &digest); err != nil {
			return err
		}
		key, err := keyOf(name, digest)
		k.Keys = append(k.Keys, key)
		return err
	})
	if err != nil {
		return k, fmt.Errorf("read keys: %w", err)
	}
	return k, nil
}

func (s *Store) readKnown(ctx context.Context, site site, k *pageview.KnownSite) error {
	of := fmt.Sprintf("site = %s AND block > %d", quote(site.name), site.since)
	err := s.server.each(ctx, fmt.Sprintf("SELECT argMax(value, block) FROM ledger WHERE kind = %d AND %s GROUP BY visitParamExtractString(value, 'file')", kindLog, of),
		func(scan func(...any) error) error {
			var value string
			var f logFile
			err := scan(&value)
			if err == nil {
				err = json.Unmarshal([]byte(value), &f)
			}
			k.Logs = append(k.Logs, pageview.KnownLog{Prints: f.Prints, Mark: f.Mark})
			return err
		})
	if err != nil {
		return err
	}
	return s.server.each(ctx, fmt.Sprintf("SELECT name, argMax(value, block) FROM ledger WHERE kind = %d AND %s GROUP BY name", kindMark, of),
		func(scan func(...any) error) error {
			var source, at string
			err := scan(&source, &at)
			k.Marks[source] = at
			return err
		})
}

// place is up to where a site's rows were read: day by day, of each first the
// pageviews and then the stays.
type place struct {
	day               pageview.Day
	table             int
	block, spool, row uint64
}

func parsePlace(text string) (p place, err error) {
	if p.day = pageview.FirstDay - 1; text != "" {
		_, err = fmt.Sscanf(text, "%d %d %d %d %d", &p.day, &p.table, &p.block, &p.spool, &p.row)
	}
	return p, err
}

func (p place) String() string {
	return fmt.Sprintf("%d %d %d %d %d", p.day, p.table, p.block, p.spool, p.row)
}

// after is the condition that a row of the day comes after the place.
func (p place) after() string {
	return fmt.Sprintf("(block > %d OR block = %[1]d AND (spool > %[2]d OR spool = %[2]d AND row > %[3]d))", p.block, p.spool, p.row)
}

// Read reads the next pageviews and stays of a site, those of about so many
// rows, by days and within a day as they were kept. From is empty at the
// beginning and then what the last call returned; where nothing is left it stays
// as it is. What comes meanwhile of a day that was read is passed over.
func (s *Store) Read(ctx context.Context, site, from string, most int) (b pageview.Batch, to string, err error) {
	p, err := parsePlace(from)
	if err != nil {
		return b, from, fmt.Errorf("read pageviews from %q: %w", from, err)
	}
	v, err := s.current(ctx)
	if err != nil {
		return b, from, err
	}
	for _, day := range slices.Sorted(maps.Keys(v.days[site])) {
		if day < p.day {
			continue
		}
		if day > p.day {
			p = place{day: day}
		}
		for ; p.table < 2; p = (place{day: day, table: p.table + 1}) {
			if err := s.readDay(ctx, v, v.sites[site], &p, most, &b); err != nil {
				return b, from, fmt.Errorf("read pageviews of %s: %w", site, err)
			}
			if len(b.Pageviews)+len(b.Stays) > 0 {
				return b, p.String(), nil
			}
		}
	}
	return b, from, nil
}

// readDay reads rows of a day after a place, and moves that on.
func (s *Store) readDay(ctx context.Context, v *view, site site, p *place, most int, b *pageview.Batch) error {
	r := &rows{v: v, site: site, days: fmt.Sprintf("day = %d", p.day)}
	const order = " ORDER BY block, spool, row LIMIT %d"
	if p.table == 1 {
		query := fmt.Sprintf("SELECT block, spool, toUInt64(row), at, path, visitor, seconds FROM stays WHERE %s"+order, and(r.of(), p.after()), most)
		return s.server.each(ctx, query, func(scan func(...any) error) error {
			stay := pageview.Stay{Site: site.name, Day: p.day}
			var at int64
			var seconds uint32
			err := scan(&p.block, &p.spool, &p.row, &at, &stay.Path, &stay.Visitor, &seconds)
			stay.At, stay.For = time.UnixMicro(at).UTC(), time.Duration(seconds)*time.Second
			b.Stays = append(b.Stays, stay)
			return err
		})
	}
	query := fmt.Sprintf(`SELECT block, spool, toUInt64(row), at, hour, path, visitor, referrer, referrer_page, campaign, campaign_source, campaign_medium,
browser, system, device, country, language, bot, source FROM pageviews WHERE %s`+order, and(r.of(), p.after()), most)
	paths := map[string]bool{}
	err := s.server.each(ctx, query, func(scan func(...any) error) error {
		view := pageview.Pageview{Site: site.name, Day: p.day}
		var at, hour int64
		var source uint8
		err := scan(&p.block, &p.spool, &p.row, &at, &hour, &view.Path, &view.Visitor, &view.Referrer, &view.ReferrerPage,
			&view.Campaign.Name, &view.Campaign.Source, &view.Campaign.Medium,
			&view.Browser, &view.System, &view.Device, &view.Country, &view.Language, &view.Bot, &source)
		view.At, view.Hour, view.Source = time.UnixMicro(at).UTC(), time.Unix(hour, 0).UTC(), pageview.Source(source)
		b.Pageviews = append(b.Pageviews, view)
		paths[view.Path] = true
		return err
	})
	if err != nil {
		return err
	}
	titles, err := s.titlesOf(ctx, site, slices.Sorted(maps.Keys(paths)))
	for i := range b.Pageviews {
		b.Pageviews[i].Title = titles[b.Pageviews[i].Path]
	}
	return err
}
