package snapshot_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/snapshot"
)

// origin is a server of one snapshot that counts what it was asked.
type origin struct {
	*httptest.Server
	snapshot  atomic.Pointer[snapshot.Snapshot]
	asked     atomic.Int64           // requests for the snapshot
	confirmed atomic.Int64           // of those answered by 304
	page      atomic.Pointer[string] // for a browser
	results   chan string            // what it reports
}

// text is the n-th result.
func text(n int) string {
	return fmt.Sprintf(`[{"n":%d,"fill":"%s"}]`+"\n", n, strings.Repeat("0123456789", 40+n))
}

// packed is text by brotli, for which the standard library has no encoder; what
// it decodes to is left to curl and to a browser.
var packed = map[string]string{
	text(1): "G60B+I3TDfXCoOoeROyQ/PhhzCINvFbo2uvTgIiiC4GyAAZy6YvPNeGgU0LNI6tnD1kA",
	text(2): "G7cB+I3TDfXCoOoeROyQ/PhhzCINvFbo2uvTgIiiC4GyAAZy6YvPdeGgo0LNI6tnD1kA",
}

func brotli(body []byte) ([]byte, error) {
	if b, ok := packed[string(body)]; ok {
		return base64.StdEncoding.DecodeString(b)
	}
	return body, nil // not smaller, and so not kept
}

// swap puts the n-th result into service.
func (o *origin) swap(t *testing.T, n int) {
	t.Helper()
	files, err := snapshot.Build([]snapshot.Format{
		{Name: "json", Body: []byte(text(n))},
		{Name: "csv", Body: []byte("n\r\n" + strconv.Itoa(n) + "\r\n")},
		{Name: "svg", Body: []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)},
	}, []snapshot.Encoder{{Name: "br", Encode: brotli}, snapshot.Gzip()}, nil, time.Now().Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	o.snapshot.Store(&snapshot.Snapshot{Version: int64(n), ComputedAt: time.Now(), Files: files})
}

// served says that a run is under way, for a max-age of three seconds.
func (o *origin) served() *snapshot.Served {
	return snapshot.Prepare(*o.snapshot.Load(), snapshot.State{RunningSince: time.Now(), Usual: 3900 * time.Millisecond}, snapshot.Rules{})
}

func startOrigin(t *testing.T, browserPage string) *origin {
	t.Helper()
	o := &origin{results: make(chan string, 1)}
	o.page.Store(&browserPage)
	o.swap(t, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("/", o.serve)
	mux.HandleFunc("/swap", func(http.ResponseWriter, *http.Request) { o.swap(t, 2) })
	mux.HandleFunc("/counts", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		fmt.Fprintf(w, "[%d,%d]", o.asked.Load(), o.confirmed.Load())
	})
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, *o.page.Load())
	})
	mux.HandleFunc("/result", func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		o.results <- string(b)
	})
	o.Server = httptest.NewServer(mux)
	t.Cleanup(o.Close)
	return o
}

func (o *origin) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/hot.json" { // a browser asks for more than it is told to
		o.served().ServeHTTP(w, r)
		return
	}
	o.asked.Add(1)
	if r.Header.Get("If-None-Match") != "" && strings.Contains(r.Header.Get("If-None-Match"), o.tag(r)) {
		o.confirmed.Add(1)
	}
	o.served().ServeHTTP(w, r)
}

// tag is the one the request's representation has, by the server itself.
func (o *origin) tag(r *http.Request) string {
	plain := r.Clone(r.Context())
	plain.Header.Del("If-None-Match")
	plain.Header.Del("If-Match")
	w := httptest.NewRecorder()
	o.served().ServeHTTP(w, plain)
	return w.Header().Get("ETag")
}

// exchange is a request and what must come of it, whoever asks.
type exchange struct {
	name, method, path string
	headers            []string // "{json}", "{gzip}" and "{br}" stand for the tags
	status             int
	mediaType          string
	encoding           string
	body               string // decoded; empty where there is none
	vary               string
}

const (
	byExtension = "Accept-Encoding"
	byAccept    = "Accept, Accept-Encoding"
	jsonType    = "application/json"
	csvType     = "text/csv; charset=utf-8"
	textType    = "text/plain; charset=utf-8"
	csv1        = "n\r\n1\r\n"
	svg         = `<svg xmlns="http://www.w3.org/2000/svg"/>`
	later       = "Fri, 01 Jan 2100 00:00:00 GMT"
	earlier     = "Thu, 01 Jan 2004 00:00:00 GMT"
)

var exchanges = []exchange{
	{"plain", "GET", "/hot.json", nil, 200, jsonType, "", text(1), byExtension},
	{"gzip", "GET", "/hot.json", []string{"Accept-Encoding: gzip"}, 200, jsonType, "gzip", text(1), byExtension},
	{"as a browser", "GET", "/hot.json", []string{"Accept-Encoding: gzip, deflate, br, zstd"}, 200, jsonType, "br", text(1), byExtension},
	{"brotli by weight", "GET", "/hot.json", []string{"Accept-Encoding: gzip;q=0.5, br"}, 200, jsonType, "br", text(1), byExtension},
	{"gzip by weight", "GET", "/hot.json", []string{"Accept-Encoding: gzip, br;q=0.5"}, 200, jsonType, "gzip", text(1), byExtension},
	{"gzip refused", "GET", "/hot.json", []string{"Accept-Encoding: gzip;q=0"}, 200, jsonType, "", text(1), byExtension},
	{"anything but plain", "GET", "/hot.json", []string{"Accept-Encoding: identity;q=0, *;q=0.5"}, 200, jsonType, "br", text(1), byExtension},
	{"no coding at all", "GET", "/hot.json", []string{"Accept-Encoding: *;q=0"}, 406, textType, "", "nothing of what is accepted; there is json, csv, svg\n", byExtension},
	{"another extension", "GET", "/hot.csv", nil, 200, csvType, "", csv1, byExtension},
	{"extension over accept", "GET", "/hot.csv", []string{"Accept: image/svg+xml"}, 200, csvType, "", csv1, byExtension},
	{"picture", "GET", "/hot.svg", []string{"Accept: image/avif,image/webp,*/*;q=0.8"}, 200, "image/svg+xml", "", svg, byExtension},
	{"missing format", "GET", "/hot.png", nil, 404, textType, "", "no such format; there is json, csv, svg\n", byExtension},
	{"accept nothing named", "GET", "/list/hot", nil, 200, jsonType, "", text(1), byAccept},
	{"accept csv", "GET", "/list/hot", []string{"Accept: text/csv"}, 200, csvType, "", csv1, byAccept},
	{"accept by weight", "GET", "/list/hot", []string{"Accept: application/json;q=0.3, text/csv;q=0.6"}, 200, csvType, "", csv1, byAccept},
	{"accept a range", "GET", "/list/hot", []string{"Accept: image/*"}, 200, "image/svg+xml", "", svg, byAccept},
	{"accept what is not", "GET", "/list/hot", []string{"Accept: image/png"}, 406, textType, "", "nothing of what is accepted; there is json, csv, svg\n", byAccept},
	{"head", "HEAD", "/hot.json", nil, 200, jsonType, "", "", byExtension},
	{"head gzip", "HEAD", "/hot.json", []string{"Accept-Encoding: gzip"}, 200, jsonType, "gzip", "", byExtension},
	{"tag", "GET", "/hot.json", []string{"If-None-Match: {json}"}, 304, "", "", "", byExtension},
	{"weak tag", "GET", "/hot.json", []string{"If-None-Match: W/{json}"}, 304, "", "", "", byExtension},
	{"tag in a list", "GET", "/hot.json", []string{`If-None-Match: "a", {json}`}, 304, "", "", "", byExtension},
	{"tag of gzip", "GET", "/hot.json", []string{"If-None-Match: {gzip}", "Accept-Encoding: gzip"}, 304, "", "", "", byExtension},
	{"tag of brotli", "GET", "/hot.json", []string{"If-None-Match: {br}", "Accept-Encoding: br, gzip"}, 304, "", "", "", byExtension},
	{"tag of another encoding", "GET", "/hot.json", []string{"If-None-Match: {gzip}"}, 200, jsonType, "", text(1), byExtension},
	{"another tag", "GET", "/hot.json", []string{`If-None-Match: "x"`}, 200, jsonType, "", text(1), byExtension},
	{"head with tag", "HEAD", "/hot.json", []string{"If-None-Match: {json}"}, 304, "", "", "", byExtension},
	{"date", "GET", "/hot.json", []string{"If-Modified-Since: " + later}, 304, "", "", "", byExtension},
	{"older date", "GET", "/hot.json", []string{"If-Modified-Since: " + earlier}, 200, jsonType, "", text(1), byExtension},
	{"tag rules over date", "GET", "/hot.json", []string{`If-None-Match: "x"`, "If-Modified-Since: " + later}, 200, jsonType, "", text(1), byExtension},
	{"match", "GET", "/hot.json", []string{"If-Match: {json}"}, 200, jsonType, "", text(1), byExtension},
	{"no match", "GET", "/hot.json", []string{`If-Match: "x"`}, 412, "", "", "", ""},
	{"unmodified since", "GET", "/hot.json", []string{"If-Unmodified-Since: " + earlier}, 412, "", "", "", ""},
	{"post", "POST", "/hot.json", nil, 405, textType, "", "a snapshot is read by GET or HEAD\n", byExtension},
}

// outcome is what a client saw, in the terms of an exchange.
type outcome struct {
	status  int
	header  http.Header
	body    []byte
	decoded bool // the client has decoded the body
}

// A client carries out a request at an address.
type client func(t *testing.T, method, url string, headers []string) outcome

func goClient(t *testing.T, method, url string, headers []string) outcome {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		k, v, _ := strings.Cut(h, ": ")
		r.Header.Set(k, v)
	}
	c := http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}
	answer, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return outcome{status: answer.StatusCode, header: answer.Header, body: b}
}

func curl(t *testing.T, method, url string, headers []string) outcome {
	t.Helper()
	file := filepath.Join(t.TempDir(), "body")
	args := []string{"-sS", "--max-time", "10", "-D", "-", "-o", file, "-X", method}
	if method == http.MethodHead {
		args = []string{"-sS", "-I", "--max-time", "10"}
	}
	for _, h := range headers {
		args = append(args, "-H", h)
		if strings.HasPrefix(h, "Accept-Encoding: ") {
			args = append(args, "--compressed") // decode what comes
		}
	}
	out, err := exec.CommandContext(t.Context(), "curl", append(args, url)...).Output()
	if err != nil {
		t.Fatalf("curl %s: %v", url, err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(out)), &http.Request{Method: http.MethodHead})
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // no body, no file
		t.Fatal(err)
	}
	return outcome{status: answer.StatusCode, header: answer.Header, body: b, decoded: true}
}

// hold checks an outcome against the exchange.
func (e exchange) hold(t *testing.T, o outcome) {
	t.Helper()
	body := o.body
	if !o.decoded && len(body) > 0 {
		var err error
		if body, err = decode(o.header.Get("Content-Encoding"), body); err != nil {
			t.Error(err)
			return
		}
	}
	if o.status != e.status || o.header.Get("Content-Encoding") != e.encoding {
		t.Errorf("%d %q, want %d %q", o.status, o.header.Get("Content-Encoding"), e.status, e.encoding)
	}
	if e.status == 412 { // whoever answers it has its own page for it
		return
	}
	if o.header.Get("Content-Type") != e.mediaType || o.header.Get("Vary") != e.vary || string(body) != e.body {
		t.Errorf("type %q vary %q body %q, want %q %q %q", o.header.Get("Content-Type"), o.header.Get("Vary"), body, e.mediaType, e.vary, e.body)
	}
	if e.status == 200 && (o.header.Get("Etag") == "" || o.header.Get("Last-Modified") == "" || o.header.Get("Content-Length") == "") {
		t.Errorf("200 without validators or length: %v", o.header)
	}
}

// decode undoes a content coding.
func decode(coding string, body []byte) ([]byte, error) {
	switch coding {
	case "gzip":
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(z)
	case "br":
		for plain, b := range packed {
			if b == base64.StdEncoding.EncodeToString(body) {
				return []byte(plain), nil
			}
		}
		return nil, errors.New("not the bytes by brotli")
	}
	return body, nil
}

// tags returns what replaces the names of tags in headers.
func (o *origin) tags(t *testing.T, plain string) *strings.Replacer {
	t.Helper()
	tag := func(coding string) string {
		return goClient(t, "GET", o.URL+"/hot.json", []string{"Accept-Encoding: " + coding}).header.Get("Etag")
	}
	return strings.NewReplacer("{json}", tag(plain), "{gzip}", tag("gzip"), "{br}", tag("br"))
}

// Exchanges end alike with Go's client, with curl, with both behind nginx's
// cache, and with a browser.
func TestExchanges(t *testing.T) {
	o := startOrigin(t, "")
	tags := o.tags(t, "identity")
	way := func(name string, do client, base string) {
		t.Run(name, func(t *testing.T) {
			for _, e := range exchanges {
				t.Run(e.name, func(t *testing.T) {
					var headers []string
					for _, h := range e.headers {
						headers = append(headers, tags.Replace(h))
					}
					e.hold(t, do(t, e.method, base+e.path, headers))
				})
			}
		})
	}
	way("go", goClient, o.URL)
	needs(t, "curl", func() { way("curl", curl, o.URL) })
	needs(t, "nginx", func() {
		proxy := startNginx(t, o.URL)
		way("go behind nginx", goClient, proxy)
		needs(t, "curl", func() { way("curl behind nginx", curl, proxy) })
	})
	needs(t, "chromium", func() { t.Run("chromium", browseExchanges) })
}

// needs runs f if a program is installed, and says what is left out if not.
func needs(t *testing.T, program string, f func()) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Run(program, func(t *testing.T) {
			t.Skipf("%s is not installed: its part is left out (apt install %s)", program, program)
		})
		return
	}
	f()
}

// startNginx starts nginx with a cache before an origin and returns its address.
func startNginx(t *testing.T, upstream string) string {
	t.Helper()
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	conf := filepath.Join(dir, "nginx.conf")
	err = os.WriteFile(conf, fmt.Appendf(nil, `
daemon off; worker_processes 1; pid %[1]s/pid; error_log stderr warn;
events { worker_connections 256; }
http {
	access_log off;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/tmp; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
	proxy_cache_path %[1]s/cache keys_zone=c:1m;
	server {
		listen %[2]s;
		location / {
			proxy_pass %[3]s;
			proxy_http_version 1.1;
			proxy_cache c;
			proxy_cache_revalidate on;
			if_modified_since before; # by itself it takes only the very date
			add_header X-Cache $upstream_cache_status always;
		}
	}
}
`, dir, addr, upstream), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	// Without root it runs as whoever tests; with root its worker must reach
	// its folders.
	args := []string{"-c", conf, "-p", dir, "-e", "stderr"}
	if os.Getuid() == 0 {
		args = append(args, "-g", "user root;")
	}
	start(t, exec.Command("nginx", args...))
	for range 200 {
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close()
			return "http://" + addr
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("nginx does not listen")
	return ""
}

// start starts a process that is stopped when the test ends.
func start(t *testing.T, c *exec.Cmd) {
	t.Helper()
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(os.Interrupt)
		timer := time.AfterFunc(5*time.Second, func() { _ = c.Process.Kill() })
		defer timer.Stop()
		_ = c.Wait()
		if t.Failed() {
			t.Logf("%s: %s", c.Path, out.String())
		}
	})
}

// step is one request of a cache's reader, and what it must cost the origin.
type step struct {
	before           string // what happens before it
	n                int    // the result it must see
	asked, confirmed int64  // requests and 304s at the origin
}

var steps = []step{
	{"", 1, 1, 0},          // nothing is cached
	{"", 1, 0, 0},          // fresh
	{"wait", 1, 1, 1},      // stale: revalidated
	{"", 1, 0, 0},          // and fresh again
	{"wait swap", 2, 1, 0}, // stale and changed: sent
	{"wait", 2, 1, 1},      // the new one revalidated
}

// Caches ask the origin as often as they must and no more, and show what it has.
func TestCaches(t *testing.T) {
	walk := func(t *testing.T, o *origin, get func() []byte) {
		t.Helper()
		for i, s := range steps {
			if strings.Contains(s.before, "wait") {
				time.Sleep(4100 * time.Millisecond) // caches count in whole seconds
			}
			if strings.Contains(s.before, "swap") {
				o.swap(t, 2)
			}
			asked, confirmed := o.asked.Load(), o.confirmed.Load()
			if body := get(); string(body) != text(s.n) {
				t.Errorf("step %d: %q, want result %d", i, body, s.n)
			}
			if a, c := o.asked.Load()-asked, o.confirmed.Load()-confirmed; a != s.asked || c != s.confirmed {
				t.Errorf("step %d: the origin was asked %d times and confirmed %d, want %d and %d", i, a, c, s.asked, s.confirmed)
			}
		}
	}
	t.Run("go with a caching transport", func(t *testing.T) {
		t.Parallel()
		o := startOrigin(t, "")
		c := &http.Client{Transport: &cachingTransport{}}
		walk(t, o, func() []byte {
			r, err := c.Get(o.URL + "/hot.json")
			if err != nil {
				t.Fatal(err)
			}
			defer r.Body.Close()
			b, _ := io.ReadAll(r.Body)
			return b
		})
	})
	needs(t, "nginx", func() {
		t.Run("nginx", func(t *testing.T) {
			t.Parallel()
			o := startOrigin(t, "")
			proxy := startNginx(t, o.URL)
			walk(t, o, func() []byte { return goClient(t, "GET", proxy+"/hot.json", nil).body })
		})
	})
	needs(t, "chromium", func() { t.Run("chromium", browse) })
}

// cachingTransport is a private cache of RFC 9111, as far as max-age and tags.
type cachingTransport struct {
	mu    sync.Mutex
	kept  *http.Response
	body  []byte
	until time.Time
}

func (c *cachingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept != nil && time.Now().Before(c.until) {
		return c.answer(), nil
	}
	if c.kept != nil {
		r = r.Clone(r.Context())
		r.Header.Set("If-None-Match", c.kept.Header.Get("ETag"))
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	age, err := strconv.Atoi(strings.TrimPrefix(answer.Header.Get("Cache-Control"), "max-age="))
	if err != nil {
		return nil, fmt.Errorf("Cache-Control %q: %w", answer.Header.Get("Cache-Control"), err)
	}
	c.until = time.Now().Add(time.Duration(age) * time.Second)
	if answer.StatusCode == http.StatusNotModified {
		if c.kept == nil || answer.Header.Get("ETag") != c.kept.Header.Get("ETag") {
			return nil, errors.New("304 with another tag")
		}
		return c.answer(), nil
	}
	c.kept = answer
	c.body, err = io.ReadAll(answer.Body)
	return c.answer(), err
}

func (c *cachingTransport) answer() *http.Response {
	a := *c.kept
	a.Body = io.NopCloser(bytes.NewReader(c.body))
	return &a
}
