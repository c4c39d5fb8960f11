package duckdb

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"
	"math"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

//go:embed queries/span.sql
var spanSQL string

//go:embed queries/count.sql
var countSQL string

//go:embed queries/rank.sql
var rankSQL string

// Span implements pageview.Store.
func (s *Store) Span(ctx context.Context, name string) (pageview.Span, error) {
	db, err := s.reader()
	if err != nil {
		return pageview.Span{}, err
	}
	var span pageview.Span
	if err := db.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM pageviews`).Scan(&span.Through); err != nil {
		return pageview.Span{}, fmt.Errorf("span of %s: %w", name, err)
	}
	var first, last, firstDay, lastDay sql.NullTime
	row := db.QueryRowContext(ctx, spanSQL, (*s.sites.Load())[name].id, span.Through)
	if err := row.Scan(&first, &last, &firstDay, &lastDay); err != nil {
		return pageview.Span{}, fmt.Errorf("span of %s: %w", name, err)
	}
	if first.Valid {
		span.First, span.Last = first.Time.UTC(), last.Time.UTC()
		span.FirstDay, span.LastDay = pageview.DayOf(firstDay.Time.UTC()), pageview.DayOf(lastDay.Time.UTC())
	}
	return span, nil
}

// Count implements pageview.Store.
func (s *Store) Count(ctx context.Context, q pageview.CountQuery) ([]pageview.Count, error) {
	db, err := s.reader()
	if err != nil {
		return nil, err
	}
	var counts []pageview.Count
	err = each(ctx, db, countSQL, func(scan func(...any) error) error {
		var c pageview.Count
		var day time.Time
		err := scan(&c.Page, &day, &c.Pageviews)
		c.Day = pageview.DayOf(day.UTC())
		counts = append(counts, c)
		return err
	}, q.ByPage, string(q.Unit), (*s.sites.Load())[q.Site].id, through(q.Through))
	if err != nil {
		return nil, fmt.Errorf("count pageviews of %s: %w", q.Site, err)
	}
	return counts, nil
}

// Rank implements pageview.Store.
func (s *Store) Rank(ctx context.Context, q pageview.RankQuery) ([]pageview.Ranked, error) {
	if q.HalfLife <= 0 || q.Limit <= 0 {
		return nil, fmt.Errorf("rank pages of %s: half-life and limit must be more than zero", q.Site)
	}
	db, err := s.reader()
	if err != nil {
		return nil, err
	}
	var ranked []pageview.Ranked
	err = each(ctx, db, rankSQL, func(scan func(...any) error) error {
		var r pageview.Ranked
		err := scan(&r.Page, &r.Title, &r.Pageviews, &r.Visitors, &r.Score, &r.Earlier)
		ranked = append(ranked, r)
		return err
	},
		sql.Named("site", (*s.sites.Load())[q.Site].id),
		sql.Named("through", through(q.Through)),
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

// through is the highest sequence number to count; zero means all.
func through(seq uint64) uint64 {
	if seq == 0 {
		return math.MaxInt64
	}
	return seq
}
