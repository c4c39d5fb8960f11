package clickhouse

import (
	"fmt"
	"strings"

	"github.com/beforehand-go/beforehand/pageview"
)

// rows writes the SQL that reads a site's raw rows.
type rows struct {
	v    *view
	site site
	bots pageview.Bots
	days string // the condition that a day is asked for; empty means each
}

// of is the condition that a row is one of the site's that is kept.
func (r *rows) of() string {
	return and("site = "+quote(r.site.name), r.v.counts(r.site), r.days)
}

// views reads month, day, visitor, at, path and further columns of the
// pageviews that count, where more holds.
func (r *rows) views(columns []string, more string) string {
	kept := append([]string{"month", "day", "visitor", "at", "path"}, columns...)
	if r.site.rate == (pageview.Rate{}) {
		for i, c := range kept {
			if c == "verdict" {
				kept[i] = "bot AS verdict"
			}
		}
		return fmt.Sprintf("SELECT %s FROM pageviews WHERE %s", strings.Join(kept, ", "), and(r.of(), r.v.counting(r.site), more, r.persons("bot")))
	}
	inner := []string{"month", "day", "visitor", "at", "path", "source", "if(bot = '' AND visitor != 0 AND (day, source, visitor) GLOBAL IN (" + r.fast() + "), " + quote(pageview.BotRate) + ", bot) AS verdict"}
	for _, c := range columns {
		if c != "verdict" && c != "source" {
			inner = append(inner, c)
		}
	}
	return fmt.Sprintf("SELECT %s FROM (SELECT %s FROM pageviews WHERE %s) WHERE %s",
		strings.Join(kept, ", "), strings.Join(inner, ", "), and(r.of(), r.v.counting(r.site), more), and(r.persons("verdict")))
}

// persons is the condition that a verdict is one that is asked for.
func (r *rows) persons(verdict string) string {
	switch r.bots {
	case pageview.BotsInclude:
		return ""
	case pageview.BotsOnly:
		return verdict + " != ''"
	}
	return verdict + " = ''"
}

// fast reads day, source and visitor of those who are too fast for persons; see
// pageview.Rate.
func (r *rows) fast() string {
	return fmt.Sprintf(`SELECT day, source, visitor FROM (
  SELECT day, source, visitor, arraySort(groupArray(at)) AS times FROM pageviews WHERE %s AND bot = '' AND visitor != 0 GROUP BY day, source, visitor HAVING count() > %d
) WHERE arrayExists((a, b) -> b - a < %d, arraySlice(times, 1, length(times) - %[2]d), arraySlice(times, %[2]d + 1))`,
		r.of(), r.site.rate.Pageviews, r.site.rate.Within.Microseconds())
}

// visited reads what views does, and visit, which numbers a visitor's visits of
// a day, and entry, the path of the first page of the visit. Both are empty
// where the visitor is not known.
//
// A visitor's pageviews of a day are gathered into an array and sorted, by path
// those of the same time. Columns that a lambda takes from around it are named
// outside of it too: old servers would not find them otherwise.
func (r *rows) visited(columns []string) string {
	var back strings.Builder
	back.WriteString("view.2 AS path")
	for i, c := range columns {
		fmt.Fprintf(&back, ", view.%d AS %s", i+3, c)
	}
	plain := strings.Join(append([]string{"month", "day", "visitor", "path"}, columns...), ", ")
	return fmt.Sprintf(`SELECT month, day, visitor, %s, visit, entry FROM (%s) ARRAY JOIN views AS view, visits AS visit, entries AS entry
UNION ALL
SELECT %s, toUInt64(0) AS visit, '' AS entry FROM (%s)`, back.String(), r.gathered(columns), plain, r.views(columns, "visitor = 0"))
}

// gathered reads month, day and visitor, of each visitor who is known, with
// arrays of equal length: views are tuples of at, path and further columns, visits
// their numbers, entries the paths of the first pages of these.
//
// No lambda takes a visitor's whole array from around it: ClickHouse copies that
// for each element, which is more memory than there is for somebody who sees ten
// thousand pages. Of visits there are at most as many as half hours in a day.
func (r *rows) gathered(columns []string) string {
	tuple := strings.Join(append([]string{"at", "path"}, columns...), ", ")
	return fmt.Sprintf(`
  SELECT month, day, visitor, views, visits, if(empty(firsts), emptyArrayString(), arrayMap(i -> firsts[i], visits)) AS entries FROM (
    SELECT month, day, visitor, views, arrayCumSum(begins) AS visits, arrayFilter((p, b) -> b = 1, arrayMap(v -> v.2, views), begins) AS firsts FROM (
      SELECT month, day, visitor, views, arrayMap((quiet, i) -> if(i = 1 OR quiet >= %d, 1, 0), arrayDifference(arrayMap(v -> v.1, views)), arrayEnumerate(views)) AS begins FROM (
        SELECT month, day, visitor, arraySort(groupArray((%s))) AS views FROM (%s) GROUP BY month, day, visitor
      )
    )
  )
`, pageview.VisitGap.Microseconds(), tuple, r.views(columns, "visitor != 0"))
}

// stays reads month, day, path and seconds of the stays, which are of pageviews
// that the script told of.
func (r *rows) stays() string {
	return fmt.Sprintf("SELECT month, day, path, seconds FROM (SELECT month, day, path, seconds, toUInt8(%d) AS source FROM stays WHERE %s) WHERE %s",
		pageview.SourceScript, r.of(), and(r.v.counting(r.site)))
}
