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

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/receive"
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
	var err error
	s.Receiver, err = receive.New(receive.Config{
		Sites: collect.Sites{s.Sites[0].Site}, Store: s.Store, Intake: s.Importer.Intake, Tokens: token.NewGuard(tokens),
	})
	if err != nil {
		t.Fatal(err)
	}
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
