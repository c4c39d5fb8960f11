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
	err := q.Check()
	if q.Order == "" {
		q.Order = pageview.RankScore
	}
	var r pageview.Ranking
	if err == nil {
		r, err = s.rankAdded(ctx, q)
	}
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
	bots := q.Bots != "" && q.Bots != pageview.BotsExclude
	if q.Raw || bots || q.Through != 0 && q.Through < v.through {
		return r, errMoved
	}
	dims := []rolled{rolledDay, rolledPage}
	var score rolled
	if hours := q.HalfLife / time.Hour; q.Order == pageview.RankScore && byDay(q.HalfLife) {
		if q.HalfLife != hours*time.Hour || hours > 1e6 {
			return r, errMoved
		}
		score = rolledScore + rolled(hours)
		dims = append(dims, score)
	}
	if err := s.fold(ctx, q.Site, dims); err != nil {
		return r, fmt.Errorf("add up what is new: %w", err)
	}
	err = s.held(v.sites[q.Site].id, dims, q.Through, func(through uint64) error {
		v := v.at(through)
		if r.Span, err = v.span(ctx, db, q.Site, true); err != nil {
			return err
		}
		r.Rollup = true
		return (&ranker{q: q, added: true, score: score}).rank(ctx, db, v, &r)
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
	if r.Span, err = v.span(ctx, db, q.Site, false); err != nil {
		return r, err
	}
	return r, (&ranker{q: q}).rank(ctx, db, v, &r)
}

// byDay tells whether a half-life is long enough for a landmark each day: with
// a shorter one, weights would outgrow what can be added up.
func byDay(halfLife time.Duration) bool { return halfLife >= 24*time.Hour }

// ranker writes the SQL of one ranking.
type ranker struct {
	*builder
	q        pageview.RankQuery
	added    bool      // whole days come from what is added up
	score    rolled    // dimension of the scores; zero means that they come from raw rows
	newest   time.Time // instant of the newest counted pageview
	counted  string    // holds for rows that count, at whatever time
	halfLife string    // in microseconds
}

func (b *ranker) rank(ctx context.Context, db querier, v *view, r *pageview.Ranking) error {
	if b.q.Until.IsZero() {
		b.q.Until = r.Span.Last
	}
	r.Until = b.q.Until
	if r.Until.IsZero() {
		return nil
	}
	b.newest = r.Span.Last
	b.builder = newBuilder(&pageview.Query{Site: b.q.Site, Through: v.through, Bots: b.q.Bots}, v)
	b.counted = b.countedRows()
	b.halfLife = fmt.Sprint(b.q.HalfLife.Microseconds())
	return each(ctx, db, b.statement(), func(scan func(...any) error) error {
		var total bool
		var p pageview.Ranked
		err := scan(&total, &p.Page, &p.Title, &p.Pageviews, &p.Visitors, &p.Before.Pageviews, &p.Before.Visitors, &p.Score, &p.Earlier)
		if total {
			r.Total, r.Before = p.Values, p.Before
		} else {
			r.Pages = append(r.Pages, p)
		}
		return err
	}, b.args...)
}

// statement is the whole of the SQL. What is not asked for is left out, since most
// of its cost is that of planning it.
func (b *ranker) statement() string {
	now := b.window(b.q.Until, b.q.Window)
	then := b.window(b.q.Until.Add(-b.q.Earlier), b.q.Window)
	with := []string{b.counts("now", now), b.counts("then", then)}
	value := "score"
	if b.q.Order == pageview.RankScore {
		with = append(with, b.scores("now", now), b.scores("then", then))
	} else {
		value = string(b.q.Order)
	}
	parts := strings.NewReplacer("{before}", "0 AS pageviews_before, 0 AS visitors_before", "{join_before}", "", "{totals}", "")
	if b.q.Before && b.q.Window > 0 {
		before := b.window(now.after, b.q.Window)
		with = append(with, b.counts("before", before), b.total("now", now), b.total("before", before))
		parts = strings.NewReplacer("{before}", "b.pageviews AS pageviews_before, b.visitors AS visitors_before",
			"{join_before}", "LEFT JOIN before_pages b USING (page)", "{totals}", totalsSQL)
	}
	most := ""
	if b.q.Limit > 0 {
		most = fmt.Sprint("LIMIT ", b.q.Limit)
	}
	values := strings.NewReplacer("{site}", b.site, "{pages}", b.patterns(), "{value}", value, "{most}", most,
		"{now}", b.valued("now"), "{then}", b.valued("then"))
	return "WITH " + strings.Join(with, ", ") + values.Replace(parts.Replace(rankSQL))
}

const totalsSQL = `
  UNION ALL
  SELECT true, '', '', n.pageviews, n.visitors, b.pageviews, b.visitors, 0, 0 FROM now_total n, before_total b`

// valued is a table of what pages are ordered by.
func (b *ranker) valued(name string) string {
	if b.q.Order != pageview.RankScore {
		return fmt.Sprintf("(SELECT page, pageviews, visitors, 0 AS score FROM %s_pages)", name)
	}
	return fmt.Sprintf("(SELECT page, pageviews, visitors, coalesce(score, 0) AS score FROM %s_pages LEFT JOIN %[1]s_scores USING (page))", name)
}

// patterns is the condition that a path is asked for.
func (b *ranker) patterns() string {
	anyOf := func(patterns []string, none string) string {
		var either []string
		for _, p := range patterns {
			either = append(either, fmt.Sprintf(`path LIKE %s ESCAPE '\'`, b.arg(like(p, true))))
		}
		if len(either) == 0 {
			return none
		}
		return "(" + strings.Join(either, " OR ") + ")"
	}
	return anyOf(b.q.Pages, "true") + " AND NOT " + anyOf(b.q.Except, "false")
}

// interval is what was seen after one instant, up to another. The days it holds
// whole can be taken from what is added up.
type interval struct {
	after, upTo time.Time // after is zero where it has no beginning
	first, last pageview.Day
}

// window is the period of a length that ends at an instant; of length zero it
// has no beginning.
//
// A day may end twice, where clocks are set back over midnight. So one is whole
// only if no instant of it lies beyond a change of the clock near the window's
// ends.
func (b *ranker) window(upTo time.Time, length time.Duration) interval {
	p := interval{upTo: micro(upTo), first: pageview.FirstDay, last: pageview.LastDay}
	if length > 0 {
		p.after = micro(upTo.Add(-length))
		after := p.after.In(b.zone)
		p.first = pageview.DayOf(after) + 1
		if change, _ := after.ZoneBounds(); !change.IsZero() && after.Sub(change) < 24*time.Hour {
			p.first = max(p.first, pageview.DayOf(change.Add(-1).In(b.zone))+1)
		}
	}
	if p.upTo.Before(b.newest) {
		upTo := p.upTo.In(b.zone)
		p.last = pageview.DayOf(upTo) - 1
		if _, change := upTo.ZoneBounds(); !change.IsZero() && change.Sub(upTo) < 24*time.Hour {
			p.last = min(p.last, pageview.DayOf(change.In(b.zone))-1)
		}
	}
	if !b.added {
		p.first, p.last = pageview.LastDay, pageview.FirstDay
	}
	return p
}

// cut is the condition that holds for raw rows of a period on days that it does
// not hold whole.
func (b *ranker) cut(p interval) string {
	if p.after.IsZero() && p.first == pageview.FirstDay && p.last == pageview.LastDay {
		return "false"
	}
	c := fmt.Sprintf(`%s AND "at" <= %s AND "day" <= %s`, b.counted, instant(p.upTo), date(pageview.DayOf(p.upTo.In(b.zone))+1))
	if !p.after.IsZero() {
		c += fmt.Sprintf(` AND "at" > %s AND "day" >= %s`, instant(p.after), date(pageview.DayOf(p.after.In(b.zone))-1))
	}
	if p.first <= p.last {
		c += fmt.Sprintf(` AND ("day" < %s OR "day" > %s)`, date(p.first), date(p.last))
	}
	return c
}

// whole is the condition that holds for what is added up in a dimension, of the
// days that a period holds whole.
func (b *ranker) whole(p interval, d rolled) string {
	if p.first > p.last {
		return "false"
	}
	return fmt.Sprintf(`site = %s AND dimension = %d AND "day" BETWEEN %s AND %s`, b.site, d, date(p.first), date(p.last))
}

// counts are tables of a WITH, {name}_cut(page, day, visitor, n, weight) and
// {name}_pages(page, pageviews, visitors), of a period.
func (b *ranker) counts(name string, p interval) string {
	weight := "0"
	if b.q.Order == pageview.RankScore && byDay(b.q.HalfLife) {
		weight = "sum(" + weightOf(`epoch_us("at") - epoch_us("day"::TIMESTAMP)`, b.halfLife) + ")"
	}
	return fmt.Sprintf(`%[1]s_cut AS (
  SELECT page, "day", visitor, count(*) AS n, %[2]s AS weight FROM %[3]s WHERE %[4]s GROUP BY page, "day", visitor
), %[1]s_pages AS (
  SELECT page, sum(pageviews) AS pageviews, sum(visitors) AS visitors FROM (
    SELECT key AS page, pageviews, visitors FROM rollups WHERE %[5]s
    UNION ALL
    SELECT page, sum(n), count(nullif(visitor, 0)) FROM %[1]s_cut GROUP BY page
  ) GROUP BY page HAVING sum(pageviews) > 0
)`, name, weight, b.pageviews(), b.cut(p), b.whole(p, rolledPage))
}

// total is a table of a WITH, {name}_total(pageviews, visitors), of a period, after
// its counts.
func (b *ranker) total(name string, p interval) string {
	return fmt.Sprintf(`%[1]s_total AS (
  SELECT coalesce(sum(pageviews), 0) AS pageviews, coalesce(sum(visitors), 0) AS visitors FROM (
    SELECT pageviews, visitors FROM rollups WHERE %[2]s
    UNION ALL
    SELECT sum(n), count(nullif(visitor, 0)) FROM (SELECT "day", visitor, sum(n) AS n FROM %[1]s_cut GROUP BY ALL)
  )
)`, name, b.whole(p, rolledDay))
}

// scores is a table of a WITH, {name}_scores(page, score), of what pages score
// at the end of a period, after its counts.
//
// It is added up at landmarks: the beginning of each day, or the period's end
// where the half-life is short. Then only the last 38 half-lives can count: a
// weight is a whole number, and rounds to zero before.
func (b *ranker) scores(name string, p interval) string {
	end := instant(p.upTo)
	weights := fmt.Sprintf(`SELECT page, "day"::TIMESTAMP AS landmark, sum(weight) AS weight FROM %s_cut GROUP BY ALL`, name)
	if !byDay(b.q.HalfLife) {
		if first := micro(p.upTo.Add(-38 * b.q.HalfLife)); p.after.Before(first) {
			p.after = first
		}
		p.first, p.last = pageview.LastDay, pageview.FirstDay
		weights = fmt.Sprintf(`SELECT page, %s AS landmark, sum(%s) AS weight FROM %s WHERE %s GROUP BY page`,
			end, weightOf(`epoch_us("at") - epoch_us(`+end+`)`, b.halfLife), b.pageviews(), b.cut(p))
	} else if b.score != 0 {
		weights += fmt.Sprintf(`
    UNION ALL
    SELECT key, "day"::TIMESTAMP, sum(pageviews) FROM rollups WHERE %s GROUP BY ALL`, b.whole(p, b.score))
	}
	return fmt.Sprintf(`%s_scores AS (
  SELECT page, sum(CAST(round(weight * pow(2, (epoch_us(landmark) - epoch_us(%s)) / %s) / %s) AS HUGEINT)) AS score FROM (
    %s
  ) GROUP BY page
)`, name, end, b.halfLife, finer, weights)
}
