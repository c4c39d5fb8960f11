package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/server"
	"github.com/beforehand-go/beforehand/token"
)

// asked is a server on a store with some pageviews.
func asked(t *testing.T, set ...func(*server.Config)) *server.Server {
	s := startSites(t, sites("blog", "other"), set...)
	var b pageview.Batch
	add := func(at, path string, visitor uint64, browser string) {
		when, err := time.Parse(time.DateTime, at)
		if err != nil {
			t.Fatal(err)
		}
		b.Pageviews = append(b.Pageviews, pageview.Pageview{
			Site: "blog", At: when, Day: pageview.DayOf(when), Hour: pageview.HourOf(when), Path: path, Visitor: visitor, Browser: browser,
			Campaign: pageview.Campaign{Name: "=1+1,\"<b>"}, Source: pageview.SourceScript,
		})
	}
	add("2025-12-31 10:00:00", "/", 1, "Firefox")
	add("2026-01-01 10:00:00", "/", 1, "Firefox")
	add("2026-01-01 10:05:00", "/posts/a", 1, "Firefox")
	add("2026-01-01 10:40:00", "/", 1, "Firefox")
	add("2026-01-02 11:00:00", "/", 2, "Chrome")
	add("2026-01-02 11:01:00", "/posts/b", 3, "")
	b.Pageviews = append(b.Pageviews, b.Pageviews[5])
	b.Pageviews[6].Bot = "agent"
	for i, seconds := range []time.Duration{10, 11, 40} { // of / twice, and of /posts/a
		v := b.Pageviews[i]
		b.Stays = append(b.Stays, pageview.Stay{Site: v.Site, At: v.At, Day: v.Day, Path: v.Path, Visitor: v.Visitor, For: seconds * time.Second})
	}
	if err := s.Store.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	return s
}

// ask sends a question from this machine.
func ask(s *server.Server, path string, headers ...string) *httptest.ResponseRecorder {
	return askFrom("127.0.0.1:9", s, path, headers...)
}

func askFrom(addr string, s *server.Server, path string, headers ...string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.RemoteAddr, r.Host = addr, "localhost:8080"
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	s.Handler().ServeHTTP(w, r)
	return w
}

const statsPath = "/api/v1/sites/blog/stats"

func TestStats(t *testing.T) {
	s := asked(t)
	for _, c := range []struct{ query, rows, total, other string }{
		{"", `[]`, `{"pageviews":6,"visitors":4}`, `{"rows":0,"pageviews":0,"visitors":0}`},
		{
			"?metrics=pageviews,visits,visitors&by=page&from=2026-01-01&to=2026-01-31",
			`[{"page":"/","pageviews":3,"visits":3,"visitors":2},{"page":"/posts/a","pageviews":1,"visits":1,"visitors":1},{"page":"/posts/b","pageviews":1,"visits":1,"visitors":1}]`,
			`{"pageviews":5,"visits":4,"visitors":3}`, `{"rows":0,"pageviews":0,"visits":0,"visitors":0}`,
		},
		{
			"?by=page&limit=1", `[{"page":"/","pageviews":4,"visitors":3}]`, `{"pageviews":6,"visitors":4}`,
			`{"rows":2,"pageviews":2,"visitors":2}`,
		},
		{
			"?metrics=visitors&by=month,browser&filter=browser:!Chrome&filter=browser:!",
			`[{"month":"2025-12","browser":"Firefox","visitors":1},{"month":"2026-01","browser":"Firefox","visitors":1}]`,
			`{"visitors":2}`, `{"rows":0,"visitors":0}`,
		},
		{"?metrics=pageviews&filter=page:/posts/*&filter=browser:Firefox&filter=browser:Chrome", `[]`, `{"pageviews":1}`, `{"rows":0,"pageviews":0}`},
		{"?metrics=pageviews&by=bot&bots=only", `[{"bot":"agent","pageviews":1}]`, `{"pageviews":1}`, `{"rows":0,"pageviews":0}`},
		{"?metrics=pageviews&bots=include", `[]`, `{"pageviews":7}`, `{"rows":0,"pageviews":0}`},
		{"?metrics=visits&by=entry&to=2026-01-01", `[{"entry":"/","visits":3}]`, `{"visits":3}`, `{"rows":0,"visits":0}`},
		{
			"?metrics=pageviews&by=hour&from=2026-01-02", `[{"hour":"2026-01-02T11:00:00Z","pageviews":2}]`,
			`{"pageviews":2}`, `{"rows":0,"pageviews":0}`,
		},
		{
			"?metrics=time_on_page,timed&by=page&limit=2",
			`[{"page":"/posts/a","time_on_page":40,"timed":1},{"page":"/","time_on_page":11,"timed":2}]`,
			`{"time_on_page":20,"timed":3}`, `{"rows":1,"time_on_page":null,"timed":0}`,
		},
		{
			"?metrics=time_on_page&by=day&from=2026-01-01&to=2026-01-02&compare=previous",
			`[{"day":"2026-01-01","time_on_page":26,"previous":{"time_on_page":null},"change":{"time_on_page":null}},{"day":"2026-01-02","time_on_page":null,"previous":{"time_on_page":10},"change":{"time_on_page":null}}]`,
			`{"time_on_page":26,"previous":{"time_on_page":10},"change":{"time_on_page":1.6}}`, `{"rows":0,"time_on_page":null}`,
		},
		{
			"?metrics=pageviews&by=day&from=2026-01-01&to=2026-01-01&compare=previous",
			`[{"day":"2026-01-01","pageviews":3,"previous":{"pageviews":1},"change":{"pageviews":2}}]`,
			`{"pageviews":3,"previous":{"pageviews":1},"change":{"pageviews":2}}`, `{"rows":0,"pageviews":0}`,
		},
		{
			"?metrics=pageviews&by=page&from=2026-12-01&to=2026-12-31&compare=year",
			`[]`, `{"pageviews":0,"previous":{"pageviews":1},"change":{"pageviews":-1}}`, `{"rows":0,"pageviews":0}`,
		},
		{
			"?metrics=pageviews&by=browser&from=2026-01-01&to=2026-01-31&compare=previous&limit=1",
			`[{"browser":"Firefox","pageviews":3,"previous":{"pageviews":1},"change":{"pageviews":2}}]`,
			`{"pageviews":5,"previous":{"pageviews":1},"change":{"pageviews":4}}`, `{"rows":2,"pageviews":2}`,
		},
	} {
		w := ask(s, statsPath+c.query)
		var got struct {
			Rows, Total, Other json.RawMessage
			AsOf               time.Time `json:"as_of"`
			From               string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
			t.Errorf("%s: status %d, %s", c.query, w.Code, w.Body)
			continue
		}
		if string(got.Rows) != c.rows || string(got.Total) != c.total || string(got.Other) != c.other {
			t.Errorf("%s:\n got %s %s %s\nwant %s %s %s", c.query, got.Rows, got.Total, got.Other, c.rows, c.total, c.other)
		}
		if got.AsOf.IsZero() || got.From != "raw" && got.From != "rollup" {
			t.Errorf("%s: as of %s, from %q", c.query, got.AsOf, got.From)
		}
	}
}

func TestStatsTellWhatIsNotCountedAndWhatMayBeOver(t *testing.T) {
	var renewed atomic.Pointer[func(site string) ([]pageview.Day, error)]
	s := asked(t, func(c *server.Config) {
		c.Renewed = func(_ context.Context, site string) ([]pageview.Day, error) {
			if f := renewed.Load(); f != nil {
				return (*f)(site)
			}
			return nil, nil
		}
	})
	var b pageview.Batch
	for _, day := range []int{1, 2, 4} { // the script tells of the first two
		at := time.Date(2026, 1, day, 9, 0, 0, 0, time.UTC)
		b.Pageviews = append(b.Pageviews, pageview.Pageview{
			Site: "blog", At: at, Day: pageview.DayOf(at), Hour: at, Path: "/", Visitor: 9, Source: pageview.SourceLog,
		})
	}
	if err := s.Store.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	some := func(site string) ([]pageview.Day, error) {
		first := b.Pageviews[0].Day
		return map[string][]pageview.Day{"blog": {first - 40, first, first + 2}}[site], nil
	}
	renewed.Store(&some)
	for query, want := range map[string]string{
		"":                               `[{"source":"log","first":"2026-01-01","last":"2026-01-02","days":2}] {"first":"2025-11-22","last":"2026-01-03","days":3}`,
		"?from=2026-01-02&to=2026-01-31": `[{"source":"log","first":"2026-01-02","last":"2026-01-02","days":1}] {"first":"2026-01-03","last":"2026-01-03","days":1}`,
		"?from=2026-01-04&bots=include":  `[] null`,
		"?from=2025-12-01&to=2025-12-31": `[] null`,
		"?from=2026-01-01&to=2026-01-01&by=page&filter=browser:!":   `[{"source":"log","first":"2026-01-01","last":"2026-01-01","days":1}] {"first":"2026-01-01","last":"2026-01-01","days":1}`,
		"?from=2026-01-05&to=2026-01-06&compare=previous&limit=100": `[] null`,
	} {
		w := ask(s, statsPath+query)
		var got struct {
			NotCounted json.RawMessage `json:"not_counted"`
			Over       json.RawMessage `json:"visitors_may_be_over"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || string(got.NotCounted)+" "+string(got.Over) != want {
			t.Errorf("%s: error %v, %s %s, want %s", query, err, got.NotCounted, got.Over, want)
		}
	}
	none := func(string) ([]pageview.Day, error) { return nil, context.Canceled }
	renewed.Store(&none)
	if w := ask(s, statsPath); w.Code != http.StatusInternalServerError {
		t.Errorf("no salts: %d", w.Code)
	}
}

func TestStatsSayWhatIsWrong(t *testing.T) {
	s := asked(t)
	for _, c := range []struct{ query, parameter, want, allowed string }{
		{"?b=page", "b", "no parameter", "metrics by from to filter compare limit bots format"},
		{"?by=pages", "by", `"pages"`, "hour day"},
		{"?by=page,page", "by", "twice", ""},
		{"?by=hour&metrics=timed", "metrics", "not known by hour", ""},
		{"?filter=browser:x&metrics=pageviews,time_on_page", "metrics", "not known by browser", ""},
		{"?by=page,day,hour", "by", "two dimensions", ""},
		{"?by=", "by", `""`, "page"},
		{"?metrics=hits", "metrics", "hits", "pageviews visits visitors"},
		{"?metrics=visits,visits", "metrics", "twice", ""},
		{"?from=yesterday", "from", "2026-01-31", ""},
		{"?from=2026-02-30", "from", "2026-02-30", ""},
		{"?to=0001-01-01", "to", "0001", ""},
		{"?from=2026-01-02&to=2026-01-01", "to", "before", ""},
		{"?from=2026-01-02&from=2026-01-03", "from", "2 times", ""},
		{"?filter=Firefox", "filter", "browser:Firefox", ""},
		{"?filter=colour:red", "filter", "colour", "page"},
		{"?filter=day:today", "filter", "2006-01-02", ""},
		{"?filter=page:%ff", "filter", "UTF-8", ""},
		{"?filter=page:" + strings.Repeat("a", 3000), "filter", "2048 bytes", ""},
		{"?x" + strings.Repeat("&filter=page:/", 51), "x", "no parameter", ""},
		{"?by=page" + strings.Repeat("&filter=page:/", 51), "filter", "50 at most", ""},
		{"?compare=before&from=2026-01-01&to=2026-01-01", "compare", "before", "previous year"},
		{"?compare=year", "compare", "from and to", ""},
		{"?compare=year&from=1971-01-01&to=2026-01-01", "compare", "too many", ""},
		{"?compare=year&by=hour&from=2024-01-01&to=2026-01-01", "compare", "too many", ""},
		{"?limit=0", "limit", "10000", ""},
		{"?limit=10001", "limit", "10000", ""},
		{"?limit=all", "limit", "all", ""},
		{"?bots=yes", "bots", "yes", "exclude include only"},
		{"?format=xml", "format", "xml", "json csv"},
		{"?by=%zz", "", "query string", ""},
	} {
		w := ask(s, statsPath+c.query)
		var got struct {
			Error, Parameter string
			Allowed          []string
		}
		err := json.Unmarshal(w.Body.Bytes(), &got)
		if err != nil || w.Code != http.StatusBadRequest || got.Parameter != c.parameter || !strings.Contains(got.Error, c.want) ||
			!strings.Contains(strings.Join(got.Allowed, " "), c.allowed) {
			t.Errorf("%.60s: status %d, %s", c.query, w.Code, w.Body)
		}
	}
	if w := ask(s, "/api/v1/sites/nobody/stats"); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "nobody") {
		t.Errorf("unknown site: %d, %s", w.Code, w.Body)
	}
}

func TestStatsAsCSV(t *testing.T) {
	s := asked(t)
	const want = "page,pageviews,visitors\n/,4,3\nother,2,2\n"
	for _, w := range []*httptest.ResponseRecorder{
		ask(s, statsPath+".csv?by=page&limit=1"),
		ask(s, statsPath+"?by=page&limit=1&format=csv"),
		ask(s, statsPath+"?by=page&limit=1", "Accept", "text/csv, application/json;q=0.5"),
	} {
		if w.Body.String() != want || w.Header().Get("Content-Type") != "text/csv; charset=utf-8" {
			t.Errorf("%q, %v", w.Body, w.Header())
		}
	}
	for query, want := range map[string]string{
		"?metrics=pageviews":                  "pageviews\n6\n",
		"?metrics=timed,time_on_page&by=page": "page,timed,time_on_page\n/,2,11\n/posts/a,1,40\n/posts/b,0,\n",
		"?metrics=pageviews&by=campaign":      "campaign,pageviews\n\"'=1+1,\"\"<b>\",6\n",
		"?metrics=pageviews&by=day&from=2026-01-01&to=2026-01-01&compare=previous": "day,pageviews,previous_pageviews\n2026-01-01,3,1\n",
	} {
		if w := ask(s, statsPath+".csv"+query); w.Body.String() != want {
			t.Errorf("%s: %q, want %q", query, w.Body, want)
		}
	}
	if w := ask(s, statsPath, "Accept", "*/*"); w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%v", w.Header())
	}
}

func TestStatsAreForWhoMayAsk(t *testing.T) {
	s := asked(t)
	const elsewhere = "203.0.113.7:9"
	if w := askFrom(elsewhere, s, statsPath); w.Code != http.StatusForbidden {
		t.Errorf("without tokens: %d, %s", w.Code, w.Body)
	}
	tokens := memory.New().Tokens()
	s.Tokens = token.NewGuard(tokens)
	bearer := func(name string, scope token.Scope, sites ...string) string {
		secret := token.NewSecret()
		if err := tokens.Create(t.Context(), token.Token{Name: name, Scopes: []token.Scope{scope}, Sites: sites}, token.HashOf(secret)); err != nil {
			t.Fatal(err)
		}
		return "Bearer " + secret
	}
	reads, other, writes := bearer("reads", token.StatsRead, "blog"), bearer("other", token.StatsRead, "other"), bearer("writes", token.PageviewsWrite)
	for _, c := range []struct {
		addr, path, header, value string
		want                      int
	}{
		{"127.0.0.1:9", statsPath, "", "", 200},
		{"[::1]:9", statsPath, "", "", 200},
		{"[::ffff:127.0.0.1]:9", statsPath, "", "", 200},
		{"127.0.0.1:9", statsPath, "X-Forwarded-For", "127.0.0.1", 401},
		{"127.0.0.1:9", statsPath, "Forwarded", "for=127.0.0.1", 401},
		{"127.0.0.1:9", statsPath, "Host", "rebound.example", 401},
		{elsewhere, statsPath, "", "", 401},
		{elsewhere, statsPath, "Authorization", "Bearer beforehand_no", 401},
		{elsewhere, statsPath, "Authorization", writes, 403},
		{elsewhere, statsPath, "Authorization", other, 403},
		{elsewhere, statsPath, "Authorization", reads, 200},
		{elsewhere, "/api/v1/sites/nobody/stats", "", "", 401},
		{elsewhere, "/api/v1/sites/nobody/stats", "Authorization", reads, 404},
	} {
		w := askFrom(c.addr, s, c.path, c.header, c.value)
		if w.Code != c.want || c.want == 401 && w.Header().Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%+v: %d, %s", c, w.Code, w.Body)
		}
	}
}

// slow is a store that answers no question before its asker gives up.
type slow struct{ pageview.Store }

func (slow) Query(ctx context.Context, _ pageview.Query) (pageview.Answer, error) {
	<-ctx.Done()
	return pageview.Answer{}, fmt.Errorf("query: %w", ctx.Err())
}

func TestAQuestionThatTakesTooLongIs503(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reports, err := beforehand.Open(t.Context(), beforehand.Config{State: memory.New()})
		if err != nil {
			t.Fatal(err)
		}
		s := server.New(server.Config{Store: slow{}, Sites: sites("blog"), Reports: reports})
		var wg sync.WaitGroup
		for range 5 { // more than are answered at once
			wg.Go(func() {
				w := ask(s, statsPath)
				if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
					t.Errorf("status %d, %v, %s", w.Code, w.Header(), w.Body)
				}
			})
		}
		began := time.Now()
		wg.Wait()
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("they waited for %s", took)
		}
	})
}

// TestStatsAreDescribed holds the description to the handler: the choices, and
// the members of an answer.
func TestStatsAreDescribed(t *testing.T) {
	s := asked(t)
	var d struct {
		Paths map[string]struct {
			Get struct {
				Parameters []struct {
					Name, Description string
					Schema            struct{ Enum []string }
				}
				Responses map[string]struct {
					Content map[string]struct {
						Schema struct {
							Required   []string
							Properties map[string]any
						}
					}
				}
			}
		}
	}
	if err := json.Unmarshal(ask(s, "/api/v1/openapi.json").Body.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	stats := d.Paths["/api/v1/sites/{site}/stats"].Get
	for _, p := range stats.Parameters {
		value := p.Name + "=nonsense"
		if p.Name == "filter" {
			value = "filter=nonsense:x"
		}
		var wrong struct{ Allowed []string }
		if err := json.Unmarshal(ask(s, statsPath+"?"+value).Body.Bytes(), &wrong); err != nil {
			t.Fatal(err)
		}
		switch {
		case len(p.Schema.Enum) > 0 && !slices.Equal(p.Schema.Enum, wrong.Allowed):
			t.Errorf("%s is described as one of %q, and is one of %q", p.Name, p.Schema.Enum, wrong.Allowed)
		case p.Name == "by" && !strings.Contains(p.Description, strings.Join(wrong.Allowed, ", ")):
			t.Errorf("by is described as %q, and is one of %q", p.Description, wrong.Allowed)
		}
	}
	var answer map[string]any
	if err := json.Unmarshal(ask(s, statsPath+"?from=2026-01-01&to=2026-01-02&compare=year").Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	schema := stats.Responses["200"].Content["application/json"].Schema
	if got, want := slices.Sorted(maps.Keys(answer)), slices.Sorted(maps.Keys(schema.Properties)); !slices.Equal(got, want) {
		t.Errorf("an answer has %q, described are %q", got, want)
	}
	for _, name := range schema.Required {
		if _, ok := answer[name]; !ok {
			t.Errorf("an answer has no %s", name)
		}
	}
}
