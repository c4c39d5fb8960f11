// Package statistics measures answers about pageviews beside DuckDB's own queries,
// SQLite and PostgreSQL, in CPU time, on the same rows. It is benchmarks only:
//
//	go test -run '^$' -bench . -benchtime 3x ./statistics
//
// BEFOREHAND_ROWS is how many pageviews there are, a million unless set. The table of
// SQLite and PostgreSQL holds whole numbers only, with the day and the month worked
// out beforehand, so that nothing is lost on texts and dates.
package statistics

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// rows is how many pageviews there are.
func rows(b *testing.B) int {
	b.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv("BEFOREHAND_ROWS"), "1000000"))
	if err != nil {
		b.Fatal(err)
	}
	return n
}

var (
	begin = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	end   = begin.AddDate(1, 0, 0)
)

// row is a pageview, as SQLite and PostgreSQL have it.
type row struct {
	at, day, month, page, visitor                             int64 // at in microseconds
	referrer, browser, system, device, country, language, tag int64
}

// columns of a row, in order.
const columns = `at, day, month, page, visitor, referrer, browser, system, device, country, language, tag`

func (r *row) values() []any {
	return []any{r.at, r.day, r.month, r.page, r.visitor, r.referrer, r.browser, r.system, r.device, r.country, r.language, r.tag}
}

// rowOf is pageview i of n that are spread over a year: 500 pages, of which few have
// most, and visitors of six pageviews in two visits.
func rowOf(i, n int) row {
	at := begin.Add(time.Duration(float64(i) / float64(n) * float64(end.Sub(begin)))).Truncate(time.Microsecond)
	group := uint64(i/120*40 + i%40)
	who := mix(group%uint64(max(1, n/365/6)) ^ uint64(at.YearDay())<<32)
	r := row{
		at: at.UnixMicro(), day: int64(at.Year()*10000 + int(at.Month())*100 + at.Day()), month: int64(at.Month()),
		page: 1 + int64(500*math.Pow(float64(mix(uint64(i))%1_000_000)/1e6, 3)), visitor: int64(who >> 1),
		browser: int64(who % 5), system: int64(who / 5 % 6), device: int64(who / 30 % 3), country: int64(who / 90 % 40), language: int64(who / 3600 % 20),
	}
	if mix(group)%10 >= 6 {
		r.referrer = 1 + int64(mix(group)/10%50)
	}
	if mix(uint64(i))%20 == 0 {
		r.tag = 1 + int64(mix(uint64(i))/20%7)
	}
	return r
}

// mix spreads numbers.
func mix(n uint64) uint64 {
	n = (n ^ n>>31) * 0x7fb5d329728ea185
	n = (n ^ n>>27) * 0x81dadef4bc2dd44d
	return n ^ n>>33
}

// view is a row as the program takes it.
func (r *row) view() pageview.Pageview {
	at := time.UnixMicro(r.at).UTC()
	text := func(what string, n int64) string {
		if n == 0 {
			return ""
		}
		return words[what][n]
	}
	return pageview.Pageview{
		Site: "blog", Source: pageview.SourceLog, At: at, Day: pageview.DayOf(at), Hour: pageview.HourOf(at), Visitor: uint64(r.visitor),
		Path: words["/posts/"][r.page], Referrer: text("referrer", r.referrer), Browser: words["browser"][r.browser], System: words["system"][r.system],
		Device: words["device"][r.device], Country: words["country"][r.country], Language: words["language"][r.language],
		Campaign: pageview.Campaign{Name: text("campaign", r.tag)},
	}
}

// words are texts by what they are of and their number.
var words = func() map[string][]string {
	all := map[string][]string{}
	for _, what := range []string{"/posts/", "referrer", "browser", "system", "device", "country", "language", "campaign"} {
		for n := range 502 {
			all[what] = append(all[what], fmt.Sprint(what, n))
		}
	}
	return all
}()
