package server_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
	"github.com/beforehand-go/beforehand/server"
	"github.com/beforehand-go/beforehand/token"
)

// described is what the description says, as far as the test reads it.
type described struct {
	Paths map[string]map[string]struct {
		Parameters []struct{ Name, In string }
		Responses  map[string]any
	}
	Components struct {
		Schemas struct {
			Pageview struct{ Properties map[string]any }
			Taken    struct {
				Properties struct {
					Refused struct {
						Items struct {
							Properties struct{ Reason struct{ Enum []string } }
						}
					}
				}
			}
		}
	}
}

// receiveInto lets a server take pageviews; the token "write" may send them.
func receiveInto(t testing.TB, s *server.Server) {
	t.Helper()
	tokens := memory.New().Tokens()
	if err := tokens.Create(t.Context(), token.Token{Name: "w", Scopes: []token.Scope{token.PageviewsWrite}}, token.HashOf("write")); err != nil {
		t.Fatal(err)
	}
	s.Receiver.Tokens = token.NewGuard(tokens)
}

// TestOpenAPI holds the description to what the handlers do.
func TestOpenAPI(t *testing.T) {
	s := start(t)
	receiveInto(t, s)
	h := s.Handler()
	rec := get(h, "/api/v1/openapi.json")
	var d described
	if err := json.Unmarshal(rec.Body.Bytes(), &d); err != nil {
		t.Fatal(err)
	}

	send := func(body, kind, authorization, key string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "/api/v1/pageviews", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Authorization", authorization)
		r.Header.Set("Idempotency-Key", key)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	const kind, good = "application/json", "Bearer write"
	codes := map[string]bool{"403": true, "503": true} // seen in the tests of receive
	for _, w := range []*httptest.ResponseRecorder{
		send(`{"path":"/a"}`, kind, good, "k"), send(`{"path":"/b"}`, kind, good, "k"), send(`{`, kind, good, ""),
		send(`{}`, "text/plain", good, ""), send(`{}`, kind, "", ""), send(strings.Repeat(" ", 17<<20), kind, good, ""),
	} {
		codes[strconv.Itoa(w.Code)] = true
	}
	post := d.Paths["/api/v1/pageviews"]["post"]
	if got, want := slices.Sorted(maps.Keys(codes)), slices.Sorted(maps.Keys(post.Responses)); !slices.Equal(got, want) {
		t.Errorf("statuses %q, described %q", got, want)
	}

	var answer struct {
		Refused []struct{ Message, Reason string }
	}
	if err := json.Unmarshal(send(`{"nonsense":1}`, kind, good, "").Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(answer.Refused[0].Message, "there are ")
	fields := strings.Split(list, ", ")
	slices.Sort(fields)
	if want := slices.Sorted(maps.Keys(d.Components.Schemas.Pageview.Properties)); !slices.Equal(fields, want) {
		t.Errorf("fields %q, described %q", fields, want)
	}
	if reasons := d.Components.Schemas.Taken.Properties.Refused.Items.Properties.Reason.Enum; !slices.Contains(reasons, answer.Refused[0].Reason) {
		t.Errorf("reason %q is not among %q", answer.Refused[0].Reason, reasons)
	}

	var question struct{ Allowed []string }
	if err := json.Unmarshal(ask(s, "/api/v1/sites/blog/stats?nonsense=1").Body.Bytes(), &question); err != nil {
		t.Fatal(err)
	}
	var parameters []string
	for _, p := range d.Paths["/api/v1/sites/{site}/stats"]["get"].Parameters {
		if p.In == "query" {
			parameters = append(parameters, p.Name)
		}
	}
	if !slices.Equal(parameters, question.Allowed) {
		t.Errorf("parameters of stats %q, described %q", question.Allowed, parameters)
	}
}

// schema is as much of one as the answers need.
type schema struct {
	Ref        string `json:"$ref"`
	Enum       []string
	Required   []string
	Properties map[string]schema
	Items      *schema
}

// TestOpenAPIDescribesEveryAnswer asks by every dimension, with everything that
// an answer can have, and finds no member that is not described, none missing
// that must be there, and no choice that is not named.
func TestOpenAPIDescribesEveryAnswer(t *testing.T) {
	s := asked(t)
	var d struct {
		Paths map[string]map[string]struct {
			Parameters []struct {
				Name, Description string
				Schema            struct{ Enum []string }
			}
			Responses map[string]struct {
				Content map[string]struct{ Schema schema }
			}
		}
		Components struct{ Schemas map[string]json.RawMessage }
	}
	if err := json.Unmarshal(get(s.Handler(), "/api/v1/openapi.json").Body.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	stats := d.Paths["/api/v1/sites/{site}/stats"]["get"]
	named := func(name string) (text string, enum []string) {
		for _, p := range stats.Parameters {
			if p.Name == name {
				return p.Description, p.Schema.Enum
			}
		}
		return "", nil
	}
	var dimensions, metrics, comparisons []string
	for _, v := range pageview.Dimensions() {
		dimensions = append(dimensions, string(v))
	}
	for _, v := range pageview.Metrics() {
		metrics = append(metrics, string(v))
	}
	for _, v := range report.Comparisons() {
		comparisons = append(comparisons, string(v))
	}
	if text, _ := named("by"); !strings.Contains(text, "of "+strings.Join(dimensions, ", ")+".") {
		t.Errorf("by is described as %s", text)
	}
	if text, _ := named("metrics"); !strings.Contains(text, strings.Join(metrics, ", ")+",") {
		t.Errorf("metrics are described as %s", text)
	}
	if _, enum := named("compare"); !slices.Equal(enum, comparisons) {
		t.Errorf("compare can be %q", enum)
	}
	if _, enum := named("bots"); !slices.Equal(enum, []string{"exclude", "include", "only"}) {
		t.Errorf("bots can be %q", enum)
	}

	resolve := func(v schema) schema {
		name, ok := strings.CutPrefix(v.Ref, "#/components/schemas/")
		if !ok {
			return v
		}
		var of schema
		if err := json.Unmarshal(d.Components.Schemas[name], &of); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return of
	}
	var check func(where string, v schema, doc map[string]any)
	check = func(where string, v schema, doc map[string]any) {
		v = resolve(v)
		for _, name := range v.Required {
			if _, ok := doc[name]; !ok {
				t.Errorf("%s lacks %s", where, name)
			}
		}
		for name, value := range doc {
			of, ok := v.Properties[name]
			if !ok {
				t.Errorf("%s has %s, which is not described", where, name)
				continue
			}
			if text, ok := value.(string); ok && of.Enum != nil && !slices.Contains(of.Enum, text) {
				t.Errorf("%s: %s is %q, which is not described", where, name, text)
			}
			list, _ := value.([]any)
			for _, item := range list {
				if o, ok := item.(map[string]any); ok {
					check(where+" "+name, *of.Items, o)
				}
			}
			if o, ok := value.(map[string]any); ok && name != "change" && name != "visitors_may_be_over" {
				check(where+" "+name, of, o)
			}
		}
	}
	answer := stats.Responses["200"].Content["application/json"].Schema
	for i, by := range dimensions {
		for _, more := range []string{"", "," + dimensions[(i+7)%len(dimensions)]} {
			for _, rest := range []string{"&metrics=pageviews,visits,visitors&limit=1&bots=include", "&from=2026-01-01&to=2026-01-31&compare=previous&filter=page:/*"} {
				var doc map[string]any
				body := ask(s, statsPath+"?by="+by+more+rest).Body.Bytes()
				if err := json.Unmarshal(body, &doc); err != nil {
					t.Fatalf("%s: %s", by, body)
				}
				check(by+more, answer, doc)
			}
		}
	}
	var doc map[string]any
	if err := json.Unmarshal(ask(s, statsPath+"?by=page,day&metrics=time_on_page,timed").Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	check("time on a page", answer, doc)
}
