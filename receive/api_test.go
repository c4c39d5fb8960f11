package receive_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/receive"
	"github.com/beforehand-go/beforehand/token"
)

// api is the ways in with a token for each scope and site.
func newAPI(t testing.TB) *ways {
	t.Helper()
	tokens := memory.New().Tokens()
	for name, made := range map[string]token.Token{
		"all":  {Scopes: []token.Scope{token.PageviewsWrite}},
		"blog": {Scopes: []token.Scope{token.PageviewsWrite}, Sites: []string{"blog"}},
		"shop": {Scopes: []token.Scope{token.PageviewsWrite}, Sites: []string{"shop"}},
		"read": {Scopes: []token.Scope{token.StatsRead}},
	} {
		made.Name = name
		if err := tokens.Create(context.Background(), made, token.HashOf(name)); err != nil {
			t.Fatal(err)
		}
	}
	return newWays(t, func(c *receive.Config) {
		c.Tokens = token.NewGuard(tokens)
		c.Sites = append(c.Sites, &collect.Site{Name: "shop", Zone: time.UTC, Hosts: []string{"shop.example"}})
	})
}

func (w *ways) send(body string, headers ...string) *httptest.ResponseRecorder {
	return w.ask(http.MethodPost, "/api/v1/pageviews", body,
		append([]string{"Content-Type", "application/json", "Authorization", "Bearer all"}, headers...)...)
}

func TestAPITakesOne(t *testing.T) {
	w := newAPI(t)
	rec := w.send(`{"site":"blog","at":"2026-03-01T12:00:00.25+01:00","url":"https://blog.example/a?utm_medium=mail",
		"title":"\u00dcber", "referrer":"https://news.example/x", "address":"203.0.113.9", "agent":"` + firefox + `",
		"language":"de-AT", "country":"at", "visitor":null}`)
	if rec.Code != 200 || rec.Body.String() != "{\"accepted\":1}\n" {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	v := w.pageviews()[0]
	want := pageview.Pageview{
		Site: "blog", At: v.At, Day: v.Day, Hour: v.Hour, Visitor: v.Visitor, Source: pageview.SourceAPI,
		Path: "/a", Title: "Über", Referrer: "news.example", ReferrerPage: "news.example/x", Campaign: pageview.Campaign{Medium: "mail"},
		Browser: "Firefox", System: "Linux", Device: "desktop", Language: "de-AT", Country: "AT",
	}
	if v != want || v.Visitor == 0 || !v.At.Equal(time.Date(2026, 3, 1, 11, 0, 0, 250e6, time.UTC)) {
		t.Errorf("got  %+v\nwant %+v", v, want)
	}
}

func TestAPITakesTimesAndVisitors(t *testing.T) {
	w := newAPI(t)
	rec := w.send(`[
		{"path":"/a","site":"blog","at":1772366400,"visitor":"user 7"},
		{"path":"/b","site":"blog","at":1772366400.5,"visitor":"user 7"},
		{"path":"/c","host":"shop.example"}
	]`)
	if rec.Code != 200 || rec.Body.String() != "{\"accepted\":3}\n" {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	v := w.pageviews()
	if !v[0].At.Equal(time.Unix(1772366400, 0)) || !v[1].At.Equal(time.Unix(1772366400, 5e8)) || v[0].Visitor == 0 || v[0].Visitor != v[1].Visitor {
		t.Errorf("%+v", v)
	}
	if v[2].Site != "shop" || v[2].Visitor != 0 || v[2].Bot != "" || time.Since(v[2].At) > time.Minute {
		t.Errorf("%+v", v[2])
	}
}

func TestAPIRefusesSomeAndKeepsTheRest(t *testing.T) {
	w := newAPI(t)
	items := []struct{ text, reason, field string }{
		{`{"path":"/ok","site":"blog"}`, "", ""},
		{`{"pfad":"/x","site":"blog"}`, "unknown_field", "pfad"},
		{`{"path":7,"site":"blog"}`, "wrong_type", "path"},
		{`{"site":"blog"}`, "missing", "url"},
		{`{"site":"blog","path":"/a","url":"https://blog.example/a"}`, "missing", "url"},
		{`{"path":"/a","site":"nope"}`, "unknown_site", "site"},
		{`{"url":"https://other.example/"}`, "unknown_site", "site"},
		{`{"url":"https://other.example/","site":"blog"}`, collect.LeftOtherHost, ""},
		{`{"path":"/a","site":"blog","at":"yesterday"}`, "time", "at"},
		{`{"path":"/a","site":"blog","at":"1990-01-01T00:00:00Z"}`, collect.LeftTime, ""},
		{`{"path":"/a","site":"blog","at":"2990-01-01T00:00:00Z"}`, collect.LeftTime, ""},
		{`{"path":"/a","site":"blog","at":1e300}`, "time", "at"},
		{`{"path":"/a","site":"blog","at":true}`, "wrong_type", "at"},
		{`{"path":"/a.png","site":"blog"}`, collect.LeftStatic, ""},
		{`{"path":"a","site":"blog"}`, collect.LeftNotAPage, ""},
		{`{"path":"/a","site":"blog","address":"198.51.100.3"}`, collect.LeftExcluded, ""},
		{`7`, "wrong_type", ""},
		{`null`, "wrong_type", ""},
		{`{"path":"/a","site":"blog","extra":{"deep":[1,{"a":[]}]}}`, "unknown_field", "extra"},
		{`{"path":"/last","site":"blog"}`, "", ""},
	}
	var texts []string
	for _, i := range items {
		texts = append(texts, i.text)
	}
	for _, form := range []struct{ kind, body string }{
		{"application/json", "[" + strings.Join(texts, ",\n") + "]"},
		{"application/x-ndjson; charset=utf-8", "\n" + strings.Join(texts, "\n") + "\n\n"},
	} {
		w.kept = nil
		rec := w.send(form.body, "Content-Type", form.kind)
		var got struct {
			Accepted int
			Refused  []struct {
				Index                  int
				Reason, Field, Message string
			}
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || rec.Code != 200 || got.Accepted != 2 {
			t.Fatalf("%d %s %v", rec.Code, rec.Body, err)
		}
		if paths := pathsOf(w.pageviews()); !reflect.DeepEqual(paths, []string{"/ok", "/last"}) || len(w.kept) != 1 {
			t.Errorf("kept %q in %d batches", paths, len(w.kept))
		}
		n := 0
		for i, item := range items {
			if item.reason == "" {
				continue
			}
			if r := got.Refused[n]; r.Index != i || r.Reason != item.reason || r.Field != item.field || r.Message == "" {
				t.Errorf("%s: %+v", item.text, r)
			}
			n++
		}
	}
}

func TestAPIRefusesALineAlone(t *testing.T) {
	w := newAPI(t)
	rec := w.send("{\"path\":\"/a\"}\n{\"path\":\n{\"path\":\"/b\"} x\n{\"path\":\"/c\"}", "Content-Type", "application/x-ndjson", "Authorization", "Bearer blog")
	want := `{"accepted":2,"refused":[{"index":1,"reason":"malformed","message":"not JSON at byte 9 of the line: a value is wanted here"},` +
		`{"index":2,"reason":"malformed","message":"not JSON at byte 14 of the line: nothing may follow here"}]}` + "\n"
	if rec.Body.String() != want || !reflect.DeepEqual(pathsOf(w.pageviews()), []string{"/a", "/c"}) {
		t.Errorf("%d %s, kept %v", rec.Code, rec.Body, pathsOf(w.pageviews()))
	}
}

func TestAPIRefusesAll(t *testing.T) {
	big := strings.Repeat(`{"path":"/a"},`, 10_000)
	for _, c := range []struct {
		name, body string
		headers    []string
		code       int
		want       string
	}{
		{"no token", `{"path":"/a"}`, []string{"Authorization", ""}, 401, `{"error":"a token is needed: Authorization: Bearer TOKEN"}`},
		{"a wrong token", `{"path":"/a"}`, []string{"Authorization", "Bearer nope"}, 401, `{"error":"unknown token"}`},
		{"another scope", `{"path":"/a"}`, []string{"Authorization", "Bearer read"}, 403, `{"error":"the token has not the scope pageviews:write"}`},
		{"another type", `path=/a`, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, `{"error":"the Content-Type is application/json or application/x-ndjson"}`},
		{"packed", `x`, []string{"Content-Encoding", "gzip"}, 415, `{"error":"the Content-Encoding is not understood; send the body as it is"}`},
		{"nothing", ``, nil, 400, `{"error":"not JSON: there is no pageview","line":1,"column":1,"offset":0}`},
		{"cut off", "[\n {\"path\": ", nil, 400, `{"error":"not JSON: a value is wanted here","line":2,"column":11,"offset":12}`},
		{"no comma", "[{\"path\":\"/a\"}\n{\"path\":\"/a\"}]", nil, 400, `{"error":"not JSON: a comma or ']' is wanted here","line":2,"column":1,"offset":15}`},
		{"two", `{"path":"/a"}{"path":"/b"}`, nil, 400, `{"error":"not JSON: nothing may follow here","line":1,"column":14,"offset":13}`},
		{"too many", "[" + big + `{"path":"/b"}]`, nil, 413, `{"error":"a request has at most 16777216 bytes and 10000 pageviews; send several"}`},
		{"too long", strings.Repeat(" ", 16<<20+1), nil, 413, `{"error":"a request has at most 16777216 bytes and 10000 pageviews; send several"}`},
		{"an odd key", `{"path":"/a"}`, []string{"Idempotency-Key", "a b"}, 400, `{"error":"an Idempotency-Key is 1 to 200 visible characters of ASCII"}`},
		{"all refused", `{"path":"/a.png"}`, nil, 422, ``},
		{"another's site", `{"path":"/a","site":"shop"}`, nil, 422, `{"accepted":0,"refused":[{"index":0,"reason":"forbidden_site","field":"site","message":"the token is not for that site"}]}`},
	} {
		w := newAPI(t)
		rec := w.send(c.body, append([]string{"Authorization", "Bearer blog"}, c.headers...)...)
		if rec.Code != c.code || c.want != "" && rec.Body.String() != c.want+"\n" || len(w.kept) > 0 {
			t.Errorf("%s: %d %s, kept %d", c.name, rec.Code, rec.Body, len(w.kept))
		}
	}
	w := newAPI(t)
	if rec := w.send("["+strings.TrimSuffix(big, ",")+"]", "Authorization", "Bearer blog"); rec.Code != 200 || len(w.pageviews()) != 10_000 {
		t.Errorf("ten thousand: %d %.100s", rec.Code, rec.Body)
	}
}

func TestAPIKnowsARequestThatIsSentAgain(t *testing.T) {
	w := newAPI(t)
	body := `[{"path":"/a","site":"blog"},{"path":"/b.png","site":"blog"}]`
	first := w.send(body, "Idempotency-Key", "k1")
	again := w.send(body, "Idempotency-Key", "k1")
	if first.Code != 200 || again.Code != 200 || first.Body.String() != again.Body.String() || again.Header().Get("Idempotency-Replayed") != "true" {
		t.Errorf("%d %s, then %d %s %v", first.Code, first.Body, again.Code, again.Body, again.Header())
	}
	if rec := w.send(body+" ", "Idempotency-Key", "k1"); rec.Code != 422 {
		t.Errorf("another body: %d %s", rec.Code, rec.Body)
	}
	if rec := w.send(body, "Idempotency-Key", "k1", "Authorization", "Bearer blog"); rec.Code != 200 || rec.Header().Get("Idempotency-Replayed") != "" {
		t.Errorf("the same key of another token: %d %s", rec.Code, rec.Body)
	}
	if n := len(w.pageviews()); n != 2 {
		t.Errorf("kept %d", n)
	}
}

func TestAPIIsToldWhenNothingIsKept(t *testing.T) {
	for _, c := range []struct {
		err   error
		after string
	}{
		{pageview.ErrBusy, "1"}, {pageview.ErrFull, "60"}, {context.DeadlineExceeded, "5"}, {fmt.Errorf("the disk broke at %s", "/secret/path"), "5"},
	} {
		w := newAPI(t)
		w.err = c.err
		rec := w.send(`{"path":"/a","site":"blog"}`)
		if rec.Code != 503 || rec.Header().Get("Retry-After") != c.after || strings.Contains(rec.Body.String(), "secret") {
			t.Errorf("%v: %d %v %s", c.err, rec.Code, rec.Header(), rec.Body)
		}
	}
}

// FuzzAPI holds the scanner to encoding/json: what one calls JSON the other
// does, and what is taken reads the same.
func FuzzAPI(f *testing.F) {
	for _, s := range []string{
		`{"path":"/a"}`, `[{"path":"/\u00e9","at":1.5e3},{"x":[null,true,{"a":-0}]}]`, `[]`, `{"a":01}`, `{"path":"/a",}`, `{"\u0070ath":"/a"}`, "{\"path\":\"\xff\\ud800\"}", `{"path":"/a","at":2e999}`,
	} {
		f.Add(s)
	}
	w := newAPI(f)
	f.Fuzz(func(t *testing.T, body string) {
		rec := w.send(body, "Authorization", "Bearer blog")
		valid := json.Valid([]byte(body))
		switch {
		case rec.Code >= 500:
			t.Errorf("%d %s", rec.Code, rec.Body)
		case valid != (rec.Code != 400):
			t.Errorf("valid %v, but %d %s", valid, rec.Code, rec.Body)
		case !json.Valid(rec.Body.Bytes()):
			t.Errorf("answer %q", rec.Body)
		}
		var v struct{ Path string }
		if got := w.pageviews(); len(got) == 1 && json.Unmarshal([]byte(body), &v) == nil && got[0].Path == "" {
			t.Errorf("%+v", got)
		}
		w.kept = nil
	})
}

// TestAPICountsAsTheLogOfTheSamePageviews sends the pageviews of a log by the
// API, as objects of a list and as lines.
func TestAPICountsAsTheLogOfTheSamePageviews(t *testing.T) {
	agents := []string{firefox, "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1", "Googlebot/2.1 (+http://www.google.com/bot.html)", ""}
	targets := []string{"/", "/posts/%E4%BD%A0?utm_source=letter&x=1", "/caf\xc3\xa9/", "/a%20b", "/x.css", "/100%25"}
	referrers := []string{"", "https://news.example/item?id=1", "https://blog.example/a", "https://blog.example.evil.example/"}
	var log strings.Builder
	var items []string
	for i := range 500 {
		at := time.Date(2026, 3, 28, 22, 0, i*37, 0, time.UTC)
		addr, target, referrer, agent := fmt.Sprintf("203.0.113.%d", i%40), targets[i%6], referrers[i%5%4], agents[i%7%4]
		dash := func(s string) string {
			if s == "" {
				return "-"
			}
			return s
		}
		fmt.Fprintf(&log, "%s - - [%s] \"GET %s HTTP/1.1\" 200 5 %q %q\n", addr, at.Format("02/Jan/2006:15:04:05 -0700"), target, dash(referrer), dash(agent))
		item, err := json.Marshal(map[string]any{
			"site": "blog", "at": at, "path": target, "host": "blog.example", "referrer": referrer, "address": addr, "agent": agent,
		})
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, string(item))
	}
	w := newAPI(t)
	kept := &keeper{}
	im := &collect.Importer{Store: &logStore{keeper: kept}, Intake: w.Intake}
	s, err := im.Import(t.Context(), collect.Log{Name: "access.log", Site: w.Sites[0], Data: strings.NewReader(log.String())}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := kept.pageviews()
	for kind, body := range map[string]string{
		"application/json": "[" + strings.Join(items, ",") + "]", "application/x-ndjson": strings.Join(items, "\n"),
	} {
		w.kept = nil
		rec := w.send(body, "Content-Type", kind)
		got := w.pageviews()
		if len(got) != len(want) || len(got) < 300 || !strings.Contains(rec.Body.String(), `"static_file"`) {
			t.Fatalf("%s: %d kept, want %d (%+v): %.300s", kind, len(got), len(want), s, rec.Body)
		}
		for i, v := range want {
			v.Source = pageview.SourceAPI
			if !got[i].At.Equal(v.At) {
				t.Fatalf("%s: at %s, want %s", kind, got[i].At, v.At)
			}
			got[i].At, got[i].Hour = v.At, v.Hour
			if got[i] != v {
				t.Fatalf("%s:\nAPI %+v\nlog %+v", kind, got[i], v)
			}
		}
	}
}
