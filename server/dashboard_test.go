package server_test

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/server"
	"github.com/beforehand-go/beforehand/token"
)

// dashed is a server whose site blog has pageviews of the last days.
func dashed(t *testing.T) *server.Server {
	t.Helper()
	return dashedWith(t)
}

// dashedWith is that with settings of its own.
func dashedWith(t *testing.T, set ...func(*server.Config)) *server.Server {
	t.Helper()
	s := startSites(t, sites("blog", "shop"), set...)
	var b pageview.Batch
	add := func(ago time.Duration, path, browser string, visitor uint64, bot string) {
		at := time.Now().UTC().Add(-ago).Truncate(time.Microsecond)
		b.Pageviews = append(b.Pageviews, pageview.Pageview{
			Site: "blog", At: at, Day: pageview.DayOf(at), Hour: pageview.HourOf(at), Path: path, Visitor: visitor,
			Browser: browser, Country: "DE", Device: "mobile", Bot: bot, Source: pageview.SourceScript,
		})
	}
	const day = 24 * time.Hour
	for i := range 25 {
		add(2*day, fmt.Sprintf("/posts/%02d", i), "Firefox", 1, "")
	}
	for range 30 {
		add(3*day, `/"><b>/100%`, "Chrome", 2, "")
	}
	add(40*day, "/old", "Firefox", 3, "")
	add(2*day, "/posts/00", "", 0, "known_bot")
	add(time.Second, "/now", "Firefox", 4, "")
	if err := s.Store.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// shows asks until a page says a text, and returns it.
func shows(t *testing.T, s *server.Server, path, text string) string {
	t.Helper()
	var body string
	if !eventually(func() bool {
		w := ask(s, path)
		if body = w.Body.String(); w.Code != http.StatusOK {
			t.Fatalf("%s: status %d: %s", path, w.Code, body)
		}
		return strings.Contains(body, text) && !strings.Contains(body, "Being counted")
	}) {
		t.Fatalf("%s does not say %q: %s", path, text, body)
	}
	return body
}

func TestDashboardShowsNumbersThatWereComputedBefore(t *testing.T) {
	s := dashed(t)
	body := shows(t, s, "/d/blog?period=7d&lang=en", "<strong>1</strong> visitor in the last five minutes")
	for _, want := range []string{
		"<dd>56 ", "Germany", "Phone", "Chrome", "known crawlers", "17 more", "as of ", "next ", "took ",
		`href="/d/blog?filter=browser%3AFirefox&amp;lang=en&amp;period=7d"`, `href="/d/blog/browser.csv?period=7d"`,
		`href="/d/blog?card=page&amp;lang=en&amp;period=7d"`,
		`max="` + time.Now().UTC().Format(time.DateOnly), "Waiting saved",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the dashboard does not say %s", want)
		}
	}
	if strings.Contains(body, "<b>/100") || strings.Contains(body, "/old") {
		t.Error("a path is on it unescaped, or one of other days")
	}
	if whole := shows(t, s, "/d/blog?period=7d&card=page", "/posts/24"); strings.Contains(whole, "card-browser") {
		t.Error("one card is not alone")
	}
	if old := shows(t, s, "/d/blog?period=all", "/old"); !strings.Contains(old, "month") || strings.Contains(old, "compared with") {
		t.Error("all the time there was is compared, or not drawn by month")
	}
	if chinese := ask(s, "/d/blog?lang=zh").Body.String(); !strings.Contains(chinese, "仪表盘") || !strings.Contains(chinese, "zh-Hans") {
		t.Error("it is not in Chinese")
	}
	shows(t, s, "/d/shop", "No pageviews yet")
}

func TestDashboardsCardsAreFiles(t *testing.T) {
	s := dashed(t)
	shows(t, s, "/d/blog?period=7d", "/posts/00")
	csv := ask(s, "/d/blog/browser.csv?period=7d").Body.String()
	if want := "browser,pageviews,visitors,previous_pageviews,previous_visitors\n"; !strings.HasPrefix(csv, want) || !strings.Contains(csv, "Chrome,30,1,0,0\n") {
		t.Errorf("%s", csv)
	}
	w := ask(s, "/d/blog/total.json?period=7d&compare=none")
	if !strings.Contains(w.Body.String(), `"total":{"pageviews":56,`) || !strings.HasPrefix(w.Header().Get("Cache-Control"), "private") || w.Header().Get("Snapshot-Computed-At") == "" {
		t.Errorf("%v %s", w.Header(), w.Body)
	}
	for _, path := range []string{"/d/blog/cold.json", "/d/blog/hot.json", "/d/blog/page.json?filter=browser:Firefox", "/d/blog/page.json?period=century", "/d/other/page.json"} {
		if w := ask(s, path); w.Code != http.StatusNotFound {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
}

func TestDashboardCountsWhatNobodyCouldKnow(t *testing.T) {
	s := dashed(t)
	body := shows(t, s, "/d/blog?period=7d&filter=browser:Firefox&filter=device:!tablet", "counted from single pageviews")
	for _, want := range []string{
		"<dd>26 ", "Devices ≠ <bdi>Tablet</bdi>", `aria-label="Remove the filter Browsers: Firefox"`, `href="/d/blog?filter=device%3A%21tablet&amp;period=7d"`,
		"/api/v1/sites/blog/stats.csv?", "Remove all filters",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the dashboard does not say %s", want)
		}
	}
	if strings.Contains(body, "card-bot") || strings.Contains(body, "card-hot") {
		t.Error("cards that know of no filter are shown")
	}
	if one := shows(t, s, "/d/blog?period=7d&filter=browser:Firefox", "visits"); !strings.Contains(one, "card-total") {
		t.Error("a single filter has no visits")
	}
	if found := shows(t, s, "/d/blog?period=7d&card=page&q=osts/1", "/posts/11"); strings.Contains(found, "/posts/01") {
		t.Error("the search finds what does not match")
	}
	link := body[strings.Index(body, "/api/v1/sites/blog/stats.csv?"):]
	link = strings.ReplaceAll(link[:strings.Index(link, `"`)], "&amp;", "&")
	if w := ask(s, link); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "26,") {
		t.Errorf("%s: %d %s", link, w.Code, w.Body)
	}
}

func TestDashboardSaysWhatIsWrong(t *testing.T) {
	s := dashed(t)
	for query, want := range map[string]string{
		"period=century":                "period cannot be",
		"from=2026-02-01&to=2026-01-01": "the first before the last",
		"from=x":                        "days like",
		"compare=x":                     "compare cannot be",
		"unit=hour&period=12m":          "unit cannot be",
		"filter=x":                      "a filter must be like",
		"filter=colour:red":             "to filter by",
		"filter=browser:%ff":            "UTF-8",
		"card=x":                        "there is no card",
		"q=" + strings.Repeat("x", 300): "a search can have",
		"a=%zz":                         "query string",
	} {
		if w := ask(s, "/d/blog?"+query); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
	if w := ask(s, "/d/other"); w.Code != http.StatusNotFound {
		t.Errorf("a site that is not there: %d", w.Code)
	}
}

func TestDashboardIsItsOwners(t *testing.T) {
	s := dashed(t)
	for _, path := range []string{"/d/blog", "/d/blog/page.json"} {
		if w := askFrom("192.0.2.1:9", s, path); w.Code != http.StatusForbidden {
			t.Errorf("%s from elsewhere: %d", path, w.Code)
		}
	}
	tokens := memory.New().Tokens()
	secret := token.NewSecret()
	if err := tokens.Create(t.Context(), token.Token{Name: "reader", Scopes: []token.Scope{token.StatsRead}, Sites: []string{"blog"}}, token.HashOf(secret)); err != nil {
		t.Fatal(err)
	}
	s.Tokens = token.NewGuard(tokens)
	for path, want := range map[string]int{"/d/blog": http.StatusOK, "/d/shop": http.StatusForbidden} {
		w := askFrom("192.0.2.1:9", s, path, "Authorization", "Bearer "+secret)
		if w.Code != want {
			t.Errorf("%s with a token: %d, want %d", path, w.Code, want)
		}
		if strings.Contains(w.Body.String(), "/d/shop") {
			t.Errorf("%s leads to a site that its reader may not see", path)
		}
	}
}

func TestPagesAreCompressedForWhoTakesIt(t *testing.T) {
	s := dashed(t)
	plain := shows(t, s, "/d/blog", "/posts/00")
	w := ask(s, "/d/blog", "Accept-Encoding", "br, gzip;q=0.5")
	z, err := gzip.NewReader(w.Body)
	if err != nil || w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("ETag") == ask(s, "/d/blog").Header().Get("ETag") {
		t.Fatalf("%v, %v", w.Header(), err)
	}
	unpacked, err := io.ReadAll(z)
	if err != nil || len(unpacked) < len(plain)/2 {
		t.Errorf("%d bytes of %d, %v", len(unpacked), len(plain), err)
	}
	for _, accept := range []string{"", "br", "gzip; q=0"} {
		if w := ask(s, "/d/blog", "Accept-Encoding", accept); w.Header().Get("Content-Encoding") != "" {
			t.Errorf("compressed for %q", accept)
		}
	}
}

// late is a store to which a pageview comes when the totals of a dashboard are about
// to be counted for the first time, if its pages were counted before.
type late struct {
	pageview.Store
	t              *testing.T
	pages          atomic.Bool
	totals, missed atomic.Bool
}

func (s *late) Query(ctx context.Context, q pageview.Query) (pageview.Answer, error) {
	today := q.To == pageview.DayOf(time.Now().UTC())
	switch {
	case today && slices.Equal(q.By, []pageview.Dimension{pageview.ByPage}):
		s.pages.Store(true)
	case today && len(q.By) == 0 && s.totals.CompareAndSwap(false, true) && s.pages.Load():
		s.missed.Store(true)
		at := time.Now().UTC().Truncate(time.Microsecond)
		v := pageview.Pageview{Site: "blog", At: at, Day: pageview.DayOf(at), Hour: pageview.HourOf(at), Path: "/late", Visitor: 7, Source: pageview.SourceScript}
		if err := s.Append(ctx, pageview.Batch{Pageviews: []pageview.Pageview{v}}); err != nil {
			s.t.Error(err)
		}
	}
	return s.Store.Query(ctx, q)
}

// TestAPageviewThatComesBetweenCardsIsOnAllOfThem has one come after the pages were
// counted and before the totals are, which come in any order.
func TestAPageviewThatComesBetweenCardsIsOnAllOfThem(t *testing.T) {
	for missed := false; !missed; {
		all := sites("blog")
		all[0].Fresh = time.Second
		var store *late
		s := startSites(t, all, func(c *server.Config) {
			store = &late{Store: c.Store, t: t}
			c.Store = store
		})
		if !eventually(store.totals.Load) {
			t.Fatal("nothing is counted")
		}
		if missed = store.missed.Load(); missed {
			shows(t, s, "/d/blog?lang=en", "/late")
		}
	}
}
