package duckdb

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"

	"github.com/beforehand-go/beforehand/pageview"
)

//go:embed queries/span.sql
var spanSQL string

//go:embed queries/rank.sql
var rankSQL string

// Span implements pageview.Store.
func (s *Store) Span(ctx context.Context, name string) (pageview.Span, error) {
	db, v, err := s.reader()
	if err != nil {
		return pageview.Span{}, err
	}
	span := pageview.Span{Through: v.through}
	site := v.sites[name]
	var first, last, firstDay, lastDay sql.NullTime
	row := db.QueryRowContext(ctx, only(spanSQL, v.counting(site, v.through)), site.id, v.through)
	if err := row.Scan(&first, &last, &firstDay, &lastDay); err != nil {
		return pageview.Span{}, fmt.Errorf("span of %s: %w", name, err)
	}
	if first.Valid {
		span.First, span.Last = first.Time.UTC(), last.Time.UTC()
		span.FirstDay, span.LastDay = pageview.DayOf(firstDay.Time.UTC()), pageview.DayOf(lastDay.Time.UTC())
	}
	return span, nil
}

// Rank implements pageview.Store.
func (s *Store) Rank(ctx context.Context, q pageview.RankQuery) ([]pageview.Ranked, error) {
	if q.HalfLife <= 0 || q.Limit <= 0 {
		return nil, fmt.Errorf("rank pages of %s: half-life and limit must be more than zero", q.Site)
	}
	db, v, err := s.reader()
	if err != nil {
		return nil, err
	}
	site, through := v.sites[q.Site], v.upTo(q.Through)
	var ranked []pageview.Ranked
	err = each(ctx, db, only(rankSQL, v.counting(site, through)), func(scan func(...any) error) error {
		var r pageview.Ranked
		err := scan(&r.Page, &r.Title, &r.Pageviews, &r.Visitors, &r.Score, &r.Earlier)
		ranked = append(ranked, r)
		return err
	},
		sql.Named("site", site.id),
		sql.Named("through", through),
		sql.Named("pages", q.Pages),
		sql.Named("from_day", q.From.Date(utc)),
		sql.Named("until", micro(q.Until)),
		sql.Named("before", micro(q.Before)),
		sql.Named("half_life", float64(q.HalfLife.Microseconds())),
		sql.Named("most", q.Limit))
	if err != nil {
		return nil, fmt.Errorf("rank pages of %s: %w", q.Site, err)
	}
	return ranked, nil
}

// upTo is the highest sequence number to count; zero means all that was
// committed. What is committed meanwhile is not counted, since it may change
// which sources count.
func (v *view) upTo(seq uint64) uint64 {
	if seq == 0 {
		return v.through
	}
	return min(seq, v.through)
}
