package duckdb

import (
	"fmt"

	"github.com/beforehand-go/beforehand/pageview"
)

// pageviews is what to read a site's pageviews from, those kept up to a sequence
// number on some days: the table, or the table with the verdict on visitors who
// are too fast, which is worked out whenever it is needed, since each pageview
// that comes can change it. Its text is no part of a statement with arguments:
// days is a condition of its own.
func (s site) pageviews(through, days string) string {
	if s.rate == (pageview.Rate{}) {
		return "pageviews"
	}
	where := fmt.Sprintf(`site = %d AND seq <= %s AND bot = 0 AND visitor <> 0 AND %s`, s.id, through, days)
	return fmt.Sprintf(`(
  SELECT p.* REPLACE (CASE WHEN p.bot = 0 AND fast.visitor IS NOT NULL THEN %[1]d ELSE p.bot END AS bot)
  FROM pageviews p LEFT JOIN (
    SELECT "day", source, visitor FROM (
      SELECT "day", source, visitor, list_sort(list(epoch_us("at"))) AS times
      FROM pageviews SEMI JOIN (
        SELECT "day", source, visitor FROM pageviews WHERE %[4]s GROUP BY ALL HAVING count(*) > %[2]d
      ) many USING ("day", source, visitor) WHERE %[4]s GROUP BY ALL
    ) WHERE len(list_filter(times, lambda t, i: i > %[2]d AND t - times[i - %[2]d] < %[3]d)) > 0
  ) fast ON fast."day" = p."day" AND fast.source = p.source AND fast.visitor = p.visitor AND p.site = %[5]d
)`, s.fast, s.rate.Pageviews, s.rate.Within.Microseconds(), where, s.id)
}

// rules are what the numbers of a site depend on beside its pageviews, as text.
func (s site) rules() string {
	if s.rate == (pageview.Rate{}) {
		return s.precedence.String()
	}
	return s.precedence.String() + "|" + s.rate.String()
}
