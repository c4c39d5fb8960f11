package clickhouse

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/beforehand-go/beforehand/pageview"
)

// Totals counts all rows.
func (s *Store) Totals(ctx context.Context) (t pageview.Totals, err error) {
	v, err := s.current(ctx)
	if err == nil {
		t.Through = v.through
		t.Pageviews, err = s.server.number(ctx, "SELECT toInt64(count()) FROM pageviews WHERE "+v.all())
	}
	if err == nil {
		t.Stays, err = s.server.number(ctx, "SELECT toInt64(count()) FROM stays WHERE "+v.all())
	}
	if err != nil {
		return t, fmt.Errorf("count rows: %w", err)
	}
	return t, nil
}

// all is the condition that a row of any site counts.
func (v *view) all() string {
	var c strings.Builder
	c.WriteString(upTo(v.blocks))
	for _, name := range slices.Sorted(maps.Keys(v.dropped)) {
		fmt.Fprintf(&c, " AND NOT (site = %s AND block <= %d)", quote(name), v.dropped[name])
	}
	return c.String()
}

// parts are all that a site is added up by.
func (v *view) parts(name string) []rolled {
	parts := []rolled{counts}
	for k := range v.added[name] {
		if !slices.Contains(parts, k.part) {
			parts = append(parts, k.part)
		}
	}
	slices.Sort(parts)
	return parts
}

// Retain deletes a site's pageviews and stays of the days before one, after
// adding them up: answers from rollups stay what they were. It returns how many
// pageviews it deleted. A pageview of such a day that comes later is added to
// its pageviews; its visits and visitors stay, since nobody can tell whether the
// visitor had come before.
func (s *Store) Retain(ctx context.Context, name string, before pageview.Day) (int64, error) {
	n, err := s.retain(ctx, name, before)
	if err != nil {
		return n, fmt.Errorf("forget pageviews of %s before %s: %w", name, before, err)
	}
	return n, nil
}

func (s *Store) retain(ctx context.Context, name string, before pageview.Day) (int64, error) {
	v, err := s.current(ctx)
	if err != nil {
		return 0, err
	}
	parts := v.parts(name)
	if v, err = s.fold(ctx, v, name, pageview.FirstDay, before-1, parts...); err != nil {
		return 0, fmt.Errorf("add up what is new: %w", err)
	}
	s.folding.Lock() // nothing is added up meanwhile
	defer s.folding.Unlock()
	r := &rows{v: v, site: v.sites[name], days: between(pageview.FirstDay, before-1)}
	var left [2]int64
	for i, table := range []string{"pageviews", "stays"} {
		if left[i], err = s.server.number(ctx, fmt.Sprintf("SELECT toInt64(count()) FROM %s WHERE %s", table, r.of())); err != nil {
			return 0, err
		}
	}
	if left == [2]int64{} {
		return 0, nil
	}
	// First it is told of, so that nobody takes days for whole while rows go.
	if err := s.tellGone(ctx, v, name, before, parts); err != nil {
		return 0, err
	}
	for _, table := range []string{"pageviews", "stays"} {
		if err := s.server.mutate(ctx, s.config.raw(table), r.of()); err != nil {
			return 0, err
		}
	}
	_, err = s.refresh(ctx)
	return left[0], err
}

// tellGone writes down which rows of the days before one are about to be
// deleted.
func (s *Store) tellGone(ctx context.Context, v *view, name string, before pageview.Day, parts []rolled) error {
	var days []int32
	var numbers []uint32
	var versions []uint64
	var counted []int64
	for _, day := range slices.Sorted(maps.Keys(v.days[name])) {
		for _, part := range parts {
			a, ok := v.added[name][dayPart{day, part}]
			if day >= before || !ok || v.gone[name][dayPart{day, part}].rows == a.rows {
				continue
			}
			days, numbers = append(days, int32(day)), append(numbers, uint32(part))
			versions, counted = append(versions, a.version), append(counted, a.rows)
		}
	}
	n := len(days)
	if n == 0 {
		return nil
	}
	spools := slices.Sorted(maps.Keys(v.blocks))
	blocks := columnOf(spools, func(spool uint64) uint64 { return v.blocks[spool] })
	return s.server.insert(ctx, "", "gone", []string{"site", "day", "part", "version", "rows", "spools", "blocks", "at"},
		same(name, n), days, numbers, versions, counted, same(spools, n), same(blocks, n), same(s.clock(), n))
}

// Drop deletes a site with all that is kept of it. Its name can be used anew.
func (s *Store) Drop(ctx context.Context, name string) error {
	if err := s.drop(ctx, name); err != nil {
		return fmt.Errorf("delete site %q: %w", name, err)
	}
	return nil
}

func (s *Store) drop(ctx context.Context, name string) error {
	v, err := s.current(ctx)
	if err != nil {
		return err
	}
	if _, ok := v.sites[name]; !ok {
		return pageview.ErrNoSite
	}
	s.folding.Lock()
	defer s.folding.Unlock()
	at := s.clock()
	err = s.server.exec(ctx, fmt.Sprintf(`INSERT INTO sites (name, zone, precedence, rate, at) SELECT %s, '', '', '', toUInt64(%d)`, quote(name), at))
	if err != nil {
		return err
	}
	if v, err = s.refresh(ctx); err != nil {
		return err
	}
	for _, of := range []struct{ table, where string }{
		{s.config.raw("pageviews"), fmt.Sprintf("block <= %d", at)},
		{s.config.raw("stays"), fmt.Sprintf("block <= %d", at)},
		{"ledger", fmt.Sprintf("block <= %d", at)},
		{"titles", fmt.Sprintf("place <= %d", at)},
		{"rollups", fmt.Sprintf("version <= %d", at<<versionBits)},
		{"days", fmt.Sprintf("at <= %d", at)},
		{"gone", fmt.Sprintf("at <= %d", at)},
	} {
		if err := s.server.mutate(ctx, of.table, and("site = "+quote(name), of.where)); err != nil {
			return fmt.Errorf("delete from %s: %w", of.table, err)
		}
	}
	return s.spool.KeepSites(ctx, v.listed())
}
