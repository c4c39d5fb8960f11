package snapshot

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var longJSON = []byte(`{"articles":["` + strings.Repeat("hot ", 300) + `"]}`)

// made builds a snapshot of the formats, changed an hour ago.
func made(t testing.TB, formats ...Format) Snapshot {
	t.Helper()
	now := time.Now()
	files, err := Build(formats, []Encoder{Gzip()}, nil, now.Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return Snapshot{
		Key: Key{Report: "hot"}, Version: 3, Files: files,
		Tick: now.Add(-time.Minute), ComputedAt: now.Add(-50 * time.Second), Took: 1500 * time.Millisecond,
	}
}

func served(t testing.TB, rules Rules) *Served {
	s := made(t,
		Format{Name: "json", Body: longJSON},
		Format{Name: "csv", Body: []byte("title\nhot\n")},
		Format{Name: "svg", Body: []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)},
		Format{Name: ".value", Body: []byte("secret")})
	return Prepare(s, State{NextAt: time.Now().Add(time.Hour), Usual: 2 * time.Second}, rules)
}

func ask(h http.Handler, method, target string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t testing.TB, r *http.Response) []byte {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestHandlerChooses(t *testing.T) {
	s := served(t, Rules{})
	tests := []struct {
		name, method, target string
		headers              []string
		status               int
		mediaType, encoding  string
	}{
		{"first format by default", "GET", "/hot", nil, 200, "application/json", ""},
		{"extension", "GET", "/hot.csv", nil, 200, "text/csv; charset=utf-8", ""},
		{"extension rules over accept", "GET", "/hot.csv", []string{"Accept", "image/svg+xml"}, 200, "text/csv; charset=utf-8", ""},
		{"accept", "GET", "/hot", []string{"Accept", "image/*"}, 200, "image/svg+xml", ""},
		{"accept by weight", "GET", "/hot", []string{"Accept", "application/json;q=0.5, text/csv"}, 200, "text/csv; charset=utf-8", ""},
		{"nothing accepted", "GET", "/hot", []string{"Accept", "image/png"}, 406, "text/plain; charset=utf-8", ""},
		{"format that is not there", "GET", "/hot.png", nil, 404, "text/plain; charset=utf-8", ""},
		{"a dot that is no format", "GET", "/sites/example.com", nil, 200, "application/json", ""},
		{"what is kept but not served", "GET", "/hot..value", nil, 200, "application/json", ""},
		{"gzip", "GET", "/hot", []string{"Accept-Encoding", "gzip, br"}, 200, "application/json", "gzip"},
		{"gzip not worth it", "GET", "/hot.csv", []string{"Accept-Encoding", "gzip"}, 200, "text/csv; charset=utf-8", ""},
		{"plain preferred", "GET", "/hot", []string{"Accept-Encoding", "gzip;q=0.2, identity"}, 200, "application/json", ""},
		{"no encoding accepted", "GET", "/hot", []string{"Accept-Encoding", "identity;q=0, br"}, 406, "text/plain; charset=utf-8", ""},
		{"head", "HEAD", "/hot", []string{"Accept-Encoding", "gzip"}, 200, "application/json", "gzip"},
		{"post", "POST", "/hot", nil, 405, "text/plain; charset=utf-8", ""},
		{"range is not served", "GET", "/hot", []string{"Range", "bytes=0-4"}, 200, "application/json", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := ask(s, tt.method, tt.target, tt.headers...)
			b := body(t, r)
			if r.StatusCode != tt.status || r.Header.Get("Content-Type") != tt.mediaType || r.Header.Get("Content-Encoding") != tt.encoding {
				t.Fatalf("got %d %q %q, want %d %q %q", r.StatusCode, r.Header.Get("Content-Type"), r.Header.Get("Content-Encoding"), tt.status, tt.mediaType, tt.encoding)
			}
			if r.Header.Get("Vary") == "" {
				t.Error("no Vary")
			}
			n, err := strconv.Atoi(r.Header.Get("Content-Length"))
			if err != nil || tt.method != "HEAD" && n != len(b) || tt.method == "HEAD" && len(b) > 0 {
				t.Errorf("Content-Length %q with %d bytes", r.Header.Get("Content-Length"), len(b))
			}
			if tt.encoding == "gzip" && tt.method == "GET" {
				z, err := gzip.NewReader(bytes.NewReader(b))
				if err != nil {
					t.Fatal(err)
				}
				if plain, err := io.ReadAll(z); err != nil || !bytes.Equal(plain, longJSON) {
					t.Errorf("unpacked %q, %v", plain, err)
				}
			}
			if r.Header.Get("Age") != "" || r.Header.Get("Accept-Ranges") != "" {
				t.Error("Age and Accept-Ranges have no place here")
			}
		})
	}
}

func TestHandlerRevalidates(t *testing.T) {
	s := served(t, Rules{})
	plain := ask(s, "GET", "/hot")
	packed := ask(s, "GET", "/hot", "Accept-Encoding", "gzip")
	tag, packedTag, modified := plain.Header.Get("ETag"), packed.Header.Get("ETag"), plain.Header.Get("Last-Modified")
	if tag == "" || tag == packedTag || modified == "" {
		t.Fatalf("tags %q and %q, Last-Modified %q", tag, packedTag, modified)
	}
	tests := []struct {
		name    string
		headers []string
		status  int
	}{
		{"own tag", []string{"If-None-Match", tag}, 304},
		{"own tag, weak", []string{"If-None-Match", "W/" + tag}, 304},
		{"packed", []string{"If-None-Match", packedTag, "Accept-Encoding", "gzip"}, 304},
		{"the tag of another encoding", []string{"If-None-Match", packedTag}, 200},
		{"date", []string{"If-Modified-Since", modified}, 304},
		{"older date", []string{"If-Modified-Since", time.Now().Add(-2 * time.Hour).UTC().Format(http.TimeFormat)}, 200},
		{"another tag and the date", []string{"If-None-Match", `"x"`, "If-Modified-Since", modified}, 200},
		{"if-match", []string{"If-Match", tag}, 200},
		{"if-match another", []string{"If-Match", `"x"`}, 412},
	}
	for _, tt := range tests {
		for _, method := range []string{"GET", "HEAD"} {
			r := ask(s, method, "/hot", tt.headers...)
			if r.StatusCode != tt.status {
				t.Errorf("%s, %s: %d, want %d", tt.name, method, r.StatusCode, tt.status)
			}
			if tt.status != 304 {
				continue
			}
			// RFC 9110 §15.4.5: what a 304 must carry, and nothing of the content.
			for _, k := range []string{"Etag", "Vary", "Cache-Control", "Snapshot-Computed-At", "Snapshot-State"} {
				if r.Header.Get(k) == "" {
					t.Errorf("%s: 304 without %s", tt.name, k)
				}
			}
			for _, k := range []string{"Content-Type", "Content-Encoding", "Last-Modified"} {
				if r.Header.Get(k) != "" {
					t.Errorf("%s: 304 with %s", tt.name, k)
				}
			}
			if len(body(t, r)) > 0 {
				t.Errorf("%s: 304 with a body", tt.name)
			}
		}
	}
}

// A reader that saw an earlier version of the same second must not be told
// that nothing has changed, so the second gets a date only when it is over.
func TestHandlerDatesOnlySecondsThatAreOver(t *testing.T) {
	s := made(t, Format{Name: "json", Body: longJSON})
	now := time.Now()
	for i := range s.Files {
		s.Files[i].ChangedAt = now.Add(time.Minute) // a clock ahead of ours
	}
	v := Prepare(s, State{}, Rules{})
	r := ask(v, "GET", "/hot", "If-Modified-Since", now.Add(time.Hour).UTC().Format(http.TimeFormat))
	if r.StatusCode != 200 || r.Header.Get("Last-Modified") != "" {
		t.Fatalf("got %d with Last-Modified %q, want 200 without", r.StatusCode, r.Header.Get("Last-Modified"))
	}
}

func TestHandlerTellsOfTheSnapshot(t *testing.T) {
	s := served(t, Rules{Origins: []string{"*"}})
	h := ask(s, "GET", "/hot.svg").Header
	snap := s.Snapshot()
	want := map[string]string{
		"Snapshot-Computed-At":          instant(snap.ComputedAt),
		"Snapshot-For-Tick":             instant(snap.Tick),
		"Snapshot-Next-At":              instant(s.State().NextAt),
		"Snapshot-Took":                 "1.500",
		"Snapshot-State":                "fresh",
		"X-Content-Type-Options":        "nosniff",
		"Content-Security-Policy":       strictPolicy,
		"Access-Control-Allow-Origin":   "*",
		"Access-Control-Expose-Headers": exposed,
		"Vary":                          "Accept-Encoding",
	}
	for k, v := range want {
		if h.Get(k) != v {
			t.Errorf("%s: %q, want %q", k, h.Get(k), v)
		}
	}
}

func TestHandlerOrigins(t *testing.T) {
	s := served(t, Rules{Origins: []string{"https://a.example", "https://b.example"}, Private: true})
	r := ask(s, "GET", "/hot", "Origin", "https://b.example")
	if r.Header.Get("Access-Control-Allow-Origin") != "https://b.example" || r.Header.Get("Vary") != "Accept, Accept-Encoding, Origin" {
		t.Errorf("allowed origin: %v", r.Header)
	}
	if !strings.HasPrefix(r.Header.Get("Cache-Control"), "private, max-age=") {
		t.Errorf("Cache-Control %q", r.Header.Get("Cache-Control"))
	}
	r = ask(s, "GET", "/hot", "Origin", "https://c.example")
	if r.Header.Get("Access-Control-Allow-Origin") != "" || r.Header.Get("Vary") != "Accept, Accept-Encoding, Origin" {
		t.Errorf("other origin: %v", r.Header)
	}
	r = ask(s, "OPTIONS", "/hot", "Origin", "https://a.example", "Access-Control-Request-Method", "GET")
	if r.StatusCode != 204 || r.Header.Get("Access-Control-Allow-Headers") == "" {
		t.Errorf("preflight: %d %v", r.StatusCode, r.Header)
	}
}

func TestHandlerBeforeTheFirstResult(t *testing.T) {
	v := Prepare(Snapshot{Key: Key{Report: "hot"}}, State{RunningSince: time.Now(), Usual: 4 * time.Second}, Rules{})
	for _, target := range []string{"/hot", "/hot.json", "/hot.svg"} {
		r := ask(v, "GET", target)
		if r.StatusCode != 503 || r.Header.Get("Retry-After") != "4" || r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("Vary") == "" {
			t.Errorf("%s: %d %v", target, r.StatusCode, r.Header)
		}
	}
}

func TestStateMaxAge(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name   string
		state  State
		want   time.Duration
		reason string
	}{
		{"until the next result", State{NextAt: now.Add(time.Hour), Usual: 30 * time.Second}, time.Hour + 30*time.Second, ""},
		{"due", State{NextAt: now, Usual: time.Minute}, 10 * time.Second, ""},
		{"due, soon there", State{NextAt: now, Usual: 3 * time.Second}, 3 * time.Second, ""},
		{"due for long", State{NextAt: now.Add(-time.Hour), Usual: 3 * time.Second}, time.Second, "overdue"},
		{"running", State{NextAt: now.Add(time.Hour), Usual: time.Minute, RunningSince: now}, 10 * time.Second, ""},
		{"failed", State{NextAt: now.Add(time.Hour), Stale: "the last run failed"}, 10 * time.Second, "the last run failed"},
		{"never again", State{}, time.Minute, ""},
	}
	for _, tt := range tests {
		if got := tt.state.MaxAge(now); got != tt.want {
			t.Errorf("%s: max-age %v, want %v", tt.name, got, tt.want)
		}
		if got := tt.state.Reason(now); got != tt.reason {
			t.Errorf("%s: reason %q, want %q", tt.name, got, tt.reason)
		}
	}
}

func TestHandlerTellsTheTimeAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := Prepare(made(t, Format{Name: "json", Body: longJSON}), State{NextAt: time.Now().Add(time.Minute)}, Rules{MaxAge: 30 * time.Second})
		for _, want := range []struct {
			after      time.Duration
			age, state string
		}{
			{0, "max-age=30", "fresh"},
			{40 * time.Second, "max-age=20", "fresh"},
			{20 * time.Second, "max-age=1", "fresh"},
			{16 * time.Second, "max-age=1", `stale; reason="overdue"`},
		} {
			time.Sleep(want.after)
			h := ask(s, "GET", "/hot").Header
			if h.Get("Cache-Control") != want.age || h.Get("Snapshot-State") != want.state {
				t.Errorf("%v later: %q %q, want %q %q", want.after, h.Get("Cache-Control"), h.Get("Snapshot-State"), want.age, want.state)
			}
		}
	})
}

func TestStateValue(t *testing.T) {
	if got, want := stateValue("a \"quote\"\r\nX: 1 é"), `stale; reason="a \"quote\"??X: 1 ?"`; got != want {
		t.Errorf("stateValue = %s, want %s", got, want)
	}
}

// nothing is a ResponseWriter that keeps its header map, as net/http's own
// allocations are not ours.
type nothing struct{ h http.Header }

func (n *nothing) Header() http.Header         { return n.h }
func (n *nothing) Write(b []byte) (int, error) { return len(b), nil }
func (n *nothing) WriteHeader(int)             {}

func BenchmarkHandler(b *testing.B) {
	s := served(b, Rules{})
	r := httptest.NewRequest("GET", "/hot.json", nil)
	r.Header.Set("Accept-Encoding", "gzip, deflate, br, zstd")
	w := &nothing{h: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		s.ServeHTTP(w, r)
	}
}
