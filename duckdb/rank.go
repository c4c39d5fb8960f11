package duckdb

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

//go:embed queries/rank.sql
var rankSQL string

// Rank implements pageview.Store.
func (s *Store) Rank(ctx context.Context, q pageview.RankQuery) (pageview.Ranking, error) {
	if q.HalfLife <= 0 || q.Limit <= 0 {
		return pageview.Ranking{}, fmt.Errorf("rank pages of %s: half-life and limit must be more than zero", q.Site)
	}
	r, err := s.rankAdded(ctx, q)
	if errors.Is(err, errMoved) {
		r, err = s.rankRaw(ctx, q)
	}
	if err != nil {
		return pageview.Ranking{}, fmt.Errorf("rank pages of %s: %w", q.Site, err)
	}
	return r, nil
}

// rankAdded ranks by what is added up, after adding up what is new.
func (s *Store) rankAdded(ctx context.Context, q pageview.RankQuery) (r pageview.Ranking, err error) {
	db, v, err := s.reader()
	if err != nil {
		return r, err
	}
	hours := q.HalfLife / time.Hour
	if q.Raw || q.HalfLife != hours*time.Hour || !byDay(q.HalfLife) || hours > 1e6 || q.Through != 0 && q.Through < v.through {
		return r, errMoved
	}
	dims := []rolled{rolledDay, rolledPage, rolledScore + rolled(hours)}
	if err := s.fold(ctx, q.Site, dims); err != nil {
		return r, fmt.Errorf("add up what is new: %w", err)
	}
	err = s.held(v.sites[q.Site].id, dims, q.Through, func(through uint64) error {
		v := v.at(through)
		if r.Span, err = v.span(ctx, db, q.Site, true); err != nil || r.Span.First.IsZero() {
			return err
		}
		if q.Until.IsZero() {
			q.Until = r.Span.Last
		}
		if q.Until.Before(r.Span.Last) {
			return errMoved // what came later is added up too
		}
		b := newRanker(q, v)
		r.Pages, err = b.rank(ctx, db, b.added(dims[2]))
		return err
	})
	return r, err
}

// rankRaw ranks raw rows.
func (s *Store) rankRaw(ctx context.Context, q pageview.RankQuery) (r pageview.Ranking, err error) {
	db, v, err := s.reader()
	if err != nil {
		return r, err
	}
	v = v.at(v.upTo(q.Through))
	if r.Span, err = v.span(ctx, db, q.Site, false); err != nil || r.Span.First.IsZero() {
		return r, err
	}
	if q.Until.IsZero() {
		q.Until = r.Span.Last
	}
	b := newRanker(q, v)
	r.Pages, err = b.rank(ctx, db, b.raw())
	return r, err
}

// byDay tells whether a half-life is long enough for a landmark each day: with
// a shorter one, weights would outgrow what can be added up.
func byDay(halfLife time.Duration) bool { return halfLife >= 24*time.Hour }

// ranker writes the SQL of one ranking.
type ranker struct {
	*builder
	q        pageview.RankQuery
	zone     *time.Location
	until    string // arguments
	halfLife string
	before   string // the instant of the earlier ranking
	where    string // holds for rows that count, at whatever time
}

func newRanker(q pageview.RankQuery, v *view) *ranker {
	all := pageview.Query{Site: q.Site, Through: v.through}
	zone := v.zone(q.Site)
	if q.Days > 0 {
		all.From = pageview.DayOf(q.Until.In(zone)) - pageview.Day(q.Days-1)
	}
	b := &ranker{builder: newBuilder(&all, v), q: q, zone: zone}
	b.until = b.arg(micro(q.Until)) + "::TIMESTAMP"
	b.halfLife = b.arg(float64(q.HalfLife.Microseconds()))
	b.before = b.arg(b.earlier()) + "::TIMESTAMP"
	b.where = b.countedRows()
	return b
}

// earlier is the instant of the earlier ranking.
func (b *ranker) earlier() time.Time { return micro(b.q.Until.Add(-b.q.Earlier)) }

// scores is what pages have at landmarks: the beginning of each day, or the
// instant of the ranking.
func (b *ranker) scores(instant, from string) string {
	landmark := instant
	if byDay(b.q.HalfLife) {
		landmark = `"day"::TIMESTAMP`
	}
	weight := weightOf(`epoch_us("at") - epoch_us(`+landmark+`)`, b.halfLife)
	return fmt.Sprintf(`SELECT page, %s AS landmark, sum(%s) AS score FROM %s AND "at" <= %s GROUP BY ALL`, landmark, weight, from, instant)
}

// raw begins the WITH from raw rows.
func (b *ranker) raw() string {
	return fmt.Sprintf(`WITH picked AS (
  SELECT page, visitor, "at", "day" FROM pageviews WHERE %[1]s AND "at" <= %[2]s
), counts AS (
  SELECT page, sum(n) AS pageviews, count(nullif(visitor, 0)) AS visitors
  FROM (SELECT page, "day", visitor, count(*) AS n FROM picked GROUP BY ALL) GROUP BY page
), scores AS (
  %[3]s
), earlier AS (
  %[4]s
), `, b.where, b.until, b.scores(b.until, "picked WHERE true"), b.scores(b.before, "picked WHERE true"))
}

// added begins the WITH from what is added up. Of the days about the instant of
// the earlier ranking raw rows are asked.
func (b *ranker) added(score rolled) string {
	from := "true"
	if b.builder.q.From != 0 {
		from = `"day" >= ` + b.arg(b.builder.q.From.Date(utc))
	}
	about := pageview.DayOf(b.earlier().In(b.zone))
	first, last := b.arg((about - 1).Date(utc)), b.arg((about + 1).Date(utc))
	return fmt.Sprintf(`WITH counts AS (
  SELECT key AS page, sum(pageviews) AS pageviews, sum(visitors) AS visitors FROM rollups
  WHERE site = %[1]s AND dimension = %[2]d AND %[3]s GROUP BY key HAVING sum(pageviews) > 0
), days AS (
  SELECT key AS page, "day", sum(pageviews) AS score FROM rollups
  WHERE site = %[1]s AND dimension = %[4]d AND %[3]s GROUP BY ALL
), scores AS (
  SELECT page, "day"::TIMESTAMP AS landmark, score FROM days
), earlier AS (
  SELECT page, "day"::TIMESTAMP AS landmark, score FROM days WHERE "day" < %[5]s
  UNION ALL
  %[6]s
), `, b.site, rolledPage, from, score, first,
		b.scores(b.before, fmt.Sprintf(`pageviews WHERE %s AND "day" BETWEEN %s AND %s`, b.where, first, last)))
}

func (b *ranker) rank(ctx context.Context, db querier, with string) ([]pageview.Ranked, error) {
	at := func(instant string) string {
		return fmt.Sprintf("CAST(round(score * pow(2, (epoch_us(landmark) - epoch_us(%s)) / %s) / %s) AS HUGEINT)", instant, b.halfLife, finer)
	}
	pages := "true"
	if b.q.Pages != "" {
		pages = "p.path GLOB " + b.arg(b.q.Pages)
	}
	end := strings.NewReplacer("{now}", at(b.until), "{then}", at(b.before), "{pages}", pages, "{most}", b.arg(b.q.Limit)).Replace(rankSQL)
	var ranked []pageview.Ranked
	err := each(ctx, db, with+end, func(scan func(...any) error) error {
		var r pageview.Ranked
		err := scan(&r.Page, &r.Title, &r.Pageviews, &r.Visitors, &r.Score, &r.Earlier)
		ranked = append(ranked, r)
		return err
	}, b.args...)
	return ranked, err
}
