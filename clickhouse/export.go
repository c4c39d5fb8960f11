package clickhouse

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// exportRows is how many rows are read at once for an export.
const exportRows = 50_000

// Export writes all pageviews, stays and sites into CSV files of a folder, which
// must be empty. "csv" is the only format.
func (s *Store) Export(ctx context.Context, dir, format string) (t pageview.Totals, err error) {
	if format != "csv" {
		return t, fmt.Errorf("export pageviews: unknown format %q: use csv", format)
	}
	if t, err = s.export(ctx, dir); err != nil {
		return t, fmt.Errorf("export pageviews to %s: %w", dir, err)
	}
	return t, nil
}

func (s *Store) export(ctx context.Context, dir string) (t pageview.Totals, err error) {
	v, err := s.current(ctx)
	if err != nil {
		return t, err
	}
	t.Through = v.through
	sites := v.listed()
	err = writeCSV(filepath.Join(dir, "sites.csv"), []string{"name", "zone", "precedence"}, func(row func(...string) error) error {
		for _, site := range sites {
			if err := row(site.Name, site.Zone, site.Precedence.String()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return t, err
	}
	err = writeCSV(filepath.Join(dir, "pageviews.csv"), []string{
		"site", "at", "day", "hour", "path", "title", "visitor", "referrer", "referrer_page", "campaign_source", "campaign_medium", "campaign",
		"browser", "system", "device", "country", "language", "bot", "source",
	}, func(row func(...string) error) error {
		return s.eachPart(ctx, sites, 0, func(b pageview.Batch) error {
			for _, p := range b.Pageviews {
				t.Pageviews++
				err := row(p.Site, stamp(p.At), p.Day.String(), stamp(p.Hour), p.Path, p.Title, strconv.FormatUint(p.Visitor, 10),
					p.Referrer, p.ReferrerPage, p.Campaign.Source, p.Campaign.Medium, p.Campaign.Name,
					p.Browser, p.System, p.Device, p.Country, p.Language, p.Bot, p.Source.String())
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return t, err
	}
	return t, writeCSV(filepath.Join(dir, "stays.csv"), []string{"site", "at", "day", "path", "visitor", "seconds"}, func(row func(...string) error) error {
		return s.eachPart(ctx, sites, 1, func(b pageview.Batch) error {
			for _, p := range b.Stays {
				t.Stays++
				err := row(p.Site, stamp(p.At), p.Day.String(), p.Path, strconv.FormatUint(p.Visitor, 10), fmt.Sprint(int64(p.For.Seconds())))
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.999999") }

// eachPart reads one table of all sites.
func (s *Store) eachPart(ctx context.Context, sites []pageview.Site, table int, f func(pageview.Batch) error) error {
	v := s.view.Load()
	for _, site := range sites {
		for _, day := range slices.Sorted(maps.Keys(v.days[site.Name])) {
			for p := (place{day: day, table: table}); ; {
				var b pageview.Batch
				if err := s.readDay(ctx, v, v.sites[site.Name], &p, exportRows, &b); err != nil {
					return err
				}
				if len(b.Pageviews)+len(b.Stays) == 0 {
					break
				}
				if err := f(b); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// writeCSV writes a file and has it on disk.
func writeCSV(path string, head []string, rows func(row func(...string) error) error) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			os.Remove(path)
		}
	}()
	w := csv.NewWriter(f)
	if err := w.Write(head); err != nil {
		return err
	}
	if err := rows(func(fields ...string) error { return w.Write(fields) }); err != nil {
		return err
	}
	w.Flush()
	return errors.Join(w.Error(), f.Sync())
}
