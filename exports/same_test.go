package exports_test

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// A seen is a pageview as other programs know it.
type seen struct {
	at                                     time.Time
	visitor                                int
	path, title, host, page, campaign      string // host and page are the referrer's
	country, browser, system, device, lang string
}

// manySeen are pageviews in the order of time, visitors with one agent each.
func manySeen(n int) []seen {
	r := rand.New(rand.NewPCG(7, 1))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	visitors := make([]seen, 40)
	for i := range visitors {
		visitors[i] = seen{
			visitor: i + 1, country: pick("FR", "DE", "US", "CN"), browser: pick("Firefox", "Chrome", "Safari"),
			system: pick("Windows", "Linux", "iOS"), device: pick("desktop", "mobile", "tablet"), lang: pick("fr", "de", "en"),
		}
	}
	at := time.Date(2024, 3, 30, 20, 0, 0, 0, time.UTC) // the zone of the site moves its clocks the next night
	all := make([]seen, n)
	for i := range all {
		at = at.Add(time.Duration(r.IntN(120)) * time.Second)
		v := visitors[r.IntN(len(visitors))]
		v.at = at
		v.path = pick("/", "/a", "/b/c", "/中文", `/quote"s,and commas`)
		v.title = "Title of " + v.path
		switch r.IntN(3) {
		case 0:
			v.host, v.page = "news.example", pick("/item", "")
		case 1:
			v.campaign = pick("spring", "a b")
		}
		all[i] = v
	}
	return all
}

func csvOf(rows [][]string) string {
	var b strings.Builder
	if err := csv.NewWriter(&b).WriteAll(rows); err != nil {
		panic(err) // into memory
	}
	return b.String()
}

func asGoatCounter(all []seen) string {
	rows := [][]string{strings.Split("2Path,Title,Event,UserAgent,Browser,System,Session,Bot,Referrer,Referrer scheme,Screen size,Location,FirstVisit,Date", ",")}
	for _, v := range all {
		referrer, scheme := v.host+v.page, "h"
		if referrer == "" {
			referrer, scheme = v.campaign, "c"
		}
		if referrer == "" {
			scheme = ""
		}
		rows = append(rows, []string{
			v.path, v.title, "0", "", v.browser + " 131", v.system, fmt.Sprintf("%x-1", v.visitor), "0", referrer, scheme, "", v.country, "0", v.at.Format(time.RFC3339),
		})
	}
	return csvOf(rows)
}

func asUmami(all []seen) string {
	rows := [][]string{strings.Split("session_id,hostname,browser,os,device,language,country,url_path,url_query,utm_source,referrer_path,referrer_domain,page_title,event_type,created_at", ",")}
	for _, v := range all {
		rows = append(rows, []string{
			fmt.Sprint("s", v.visitor), "example.org", v.browser, v.system, v.device, v.lang, v.country, v.path, "", v.campaign, v.page, v.host, v.title, "1", v.at.Format(time.DateTime),
		})
	}
	return csvOf(rows)
}

// asMatomo tells each pageview as a visit of its own, since only visits have
// referrers.
func asMatomo(all []seen) string {
	var visits []map[string]any
	for i, v := range all {
		url := "https://example.org" + v.path
		if v.campaign != "" {
			url += "?utm_source=" + strings.ReplaceAll(v.campaign, " ", "+")
		}
		visit := map[string]any{
			"idVisit": i + 1, "visitorId": fmt.Sprint(v.visitor), "actions": 1, "languageCode": v.lang, "countryCode": strings.ToLower(v.country),
			"browserName": v.browser, "operatingSystemName": v.system, "deviceType": v.device,
			"actionDetails": []any{map[string]any{"type": "action", "url": url, "pageTitle": v.title, "timestamp": v.at.Unix()}},
		}
		if v.host != "" {
			visit["referrerUrl"] = "https://" + v.host + v.page
		}
		visits = append(visits, visit)
	}
	b, err := json.Marshal(visits)
	if err != nil {
		panic(err) // of strings and numbers
	}
	return string(b)
}

// asPlausible tells no more than what pages and days add up to, by the days of
// the site's zone.
func asPlausible(t *testing.T, all []seen, zone *time.Location) string {
	type sum struct {
		views    int
		visitors map[int]bool
	}
	days, pages := map[string]*sum{}, map[[2]string]*sum{}
	count := func(s *sum, v seen) *sum {
		if s == nil {
			s = &sum{visitors: map[int]bool{}}
		}
		s.views++
		s.visitors[v.visitor] = true
		return s
	}
	for _, v := range all {
		day := v.at.In(zone).Format(time.DateOnly)
		days[day], pages[[2]string{day, v.path}] = count(days[day], v), count(pages[[2]string{day, v.path}], v)
	}
	visitors, rows := [][]string{{"date", "visitors", "pageviews"}}, [][]string{{"date", "hostname", "page", "visitors", "pageviews"}}
	for _, day := range slices.Sorted(maps.Keys(days)) {
		visitors = append(visitors, []string{day, strconv.Itoa(len(days[day].visitors)), strconv.Itoa(days[day].views)})
	}
	for _, key := range slices.SortedFunc(maps.Keys(pages), func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) }) {
		rows = append(rows, []string{key[0], "example.org", key[1], strconv.Itoa(len(pages[key].visitors)), strconv.Itoa(pages[key].views)})
	}
	return zipOf(t, "imported_visitors.csv", csvOf(visitors), "imported_pages.csv", csvOf(rows))
}

// told writes down what was kept by all that an export carries, with pageviews
// and visitors of each.
func told(kept []pageview.Pageview, of func(pageview.Pageview) string) string {
	views, visitors := map[string]int{}, map[string]map[uint64]bool{}
	for _, v := range kept {
		key := of(v)
		if visitors[key] == nil {
			visitors[key] = map[uint64]bool{}
		}
		views[key]++
		visitors[key][v.Visitor] = true
	}
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(views)) {
		fmt.Fprintf(&b, "%s: %d by %d\n", key, views[key], len(visitors[key]))
	}
	return b.String()
}

// difference lists the lines that only one of two texts has.
func difference(a, b string) string {
	first, second := strings.Split(a, "\n"), strings.Split(b, "\n")
	var lines []string
	for _, line := range first {
		if !slices.Contains(second, line) {
			lines = append(lines, "- "+line)
		}
	}
	for _, line := range second {
		if !slices.Contains(first, line) {
			lines = append(lines, "+ "+line)
		}
	}
	return strings.Join(lines[:min(len(lines), 20)], "\n")
}

// TestEveryExportGivesTheSameNumbers writes one set of pageviews down as each
// program does.
func TestEveryExportGivesTheSameNumbers(t *testing.T) {
	all := manySeen(2000)
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	byDay := func(v pageview.Pageview) string { return v.Day.String() + " " + v.Path }
	byDevice := func(v pageview.Pageview) string { return v.Device + " " + v.Language }
	byAll := func(v pageview.Pageview) string {
		return strings.Join([]string{
			byDay(v), v.Hour.Format("15"), v.Title, v.Referrer, v.ReferrerPage, v.Campaign.Source, v.Country, v.Browser, v.System,
		}, " ")
	}
	results := map[string][]pageview.Pageview{}
	for name, data := range map[string]string{
		"GoatCounter": asGoatCounter(all), "Umami": asUmami(all), "Matomo": asMatomo(all), "Plausible": asPlausible(t, all, paris),
	} {
		im, store := newImporter(t)
		if s := read(t, im, name, data); int(s.Pageviews) != len(all) {
			t.Errorf("%s: %+v", name, s)
		}
		results[name] = store.kept
	}
	same := func(what, a, b string, of func(pageview.Pageview) string) {
		if x, y := told(results[a], of), told(results[b], of); x != y || x == "" {
			t.Errorf("%s of %s and %s differ:\n%s", what, a, b, difference(x, y))
		}
	}
	same("all", "Umami", "GoatCounter", byAll)
	same("all", "Umami", "Matomo", byAll)
	same("devices", "Umami", "Matomo", byDevice)
	same("pages by day", "Umami", "Plausible", byDay)
	same("days", "Umami", "Plausible", func(v pageview.Pageview) string { return v.Day.String() })
}
