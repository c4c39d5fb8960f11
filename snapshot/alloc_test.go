package snapshot

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// usual are the requests of browsers, caches and feed readers.
func usual(s *Served) map[string]*http.Request {
	request := func(path string, headers ...string) *http.Request {
		r := httptest.NewRequest("GET", path, nil)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		return r
	}
	const browser = "gzip, deflate, br, zstd"
	packed := ask(s, "GET", "/hot.json", "Accept-Encoding", browser).Header
	return map[string]*http.Request{
		"gzip":      request("/hot.json", "Accept-Encoding", browser, "Origin", "https://example.com"),
		"plain":     request("/hot.csv"),
		"by accept": request("/hot", "Accept", "text/html,application/xml;q=0.9,*/*;q=0.8", "Accept-Encoding", browser),
		"by tag":    request("/hot.json", "Accept-Encoding", browser, "If-None-Match", `"old", `+packed.Get("ETag")),
		"by date":   request("/hot.json", "Accept-Encoding", browser, "If-Modified-Since", packed.Get("Last-Modified")),
		"another":   request("/hot.json", "Accept-Encoding", browser, "If-None-Match", `"old"`, "If-Modified-Since", packed.Get("Last-Modified")),
	}
}

// mallocs counts the allocations of f, every single one: an average in whole
// numbers would hide one that is not in each request.
func mallocs(f func()) int {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // which would empty the pools
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.Mallocs - before.Mallocs)
}

func TestHandlerAllocatesNothing(t *testing.T) {
	s := served(t, Rules{Origins: []string{"https://example.com", "https://example.org"}, Tally: &Tally{}})
	w := &nothing{h: http.Header{}}
	for name, r := range usual(s) {
		s.ServeHTTP(w, r) // the map has room from now on
		began := time.Now()
		n := mallocs(func() {
			for range 20_000 {
				clear(w.h)
				s.ServeHTTP(w, r)
			}
		})
		// Once a second two headers are made anew; the runtime takes a few.
		if most := 20 + 10*int(time.Since(began)/time.Second+1); n > most {
			t.Errorf("%s: %d allocations in 20,000 requests, want at most %d", name, n, most)
		}
	}
}

// Over a real connection a request costs what net/http takes to send the same
// headers and bytes, and no more.
func TestHandlerAllocatesNoMoreThanNetHTTP(t *testing.T) {
	s := served(t, Rules{Origins: []string{"https://example.com"}})
	for name, r := range usual(s) {
		answer := ask(s, r.Method, r.URL.Path, flat(r.Header)...)
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		bare := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			maps.Copy(h, answer.Header)
			w.WriteHeader(answer.StatusCode)
			if len(body) > 0 {
				_, _ = w.Write(body)
			}
		})
		ours, theirs := perRequest(t, s, r), perRequest(t, bare, r)
		// Pools forget some of what they hold under the race detector, and
		// net/http takes more where a machine is busy. TestHandlerAllocatesNothing
		// counts exactly.
		if ours > theirs+0.7 {
			t.Errorf("%s: %.2f allocations a request, %.2f for the same bytes by net/http alone", name, ours, theirs)
		}
	}
}

func flat(h http.Header) []string {
	var list []string
	for k, v := range h {
		list = append(list, k, v[0])
	}
	return list
}

// perRequest counts the allocations of a server for one request of a
// connection, whose reader makes none.
func perRequest(t *testing.T, h http.Handler, r *http.Request) float64 {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	c, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var text strings.Builder
	fmt.Fprintf(&text, "GET %s HTTP/1.1\r\nHost: x\r\n", r.URL.Path)
	for k, v := range r.Header {
		fmt.Fprintf(&text, "%s: %s\r\n", k, v[0])
	}
	request, buffer := []byte(text.String()+"\r\n"), make([]byte, 64<<10)
	// The first answer comes alone, to learn how long all of them are.
	_, err = c.Write(request)
	if err != nil {
		t.Fatal(err)
	}
	size := 0
	for size == 0 || !complete(buffer[:size]) {
		n, err := c.Read(buffer[size:])
		if err != nil {
			t.Fatal(err)
		}
		size += n
	}
	const requests = 2000
	n := mallocs(func() {
		for range requests {
			if _, err := c.Write(request); err != nil {
				t.Error(err)
			}
			if _, err := io.ReadFull(c, buffer[:size]); err != nil {
				t.Error(err)
			}
		}
	})
	return float64(n) / requests
}

// complete tells whether an answer is whole.
func complete(b []byte) bool {
	head, body, ok := bytes.Cut(b, []byte("\r\n\r\n"))
	if !ok {
		return false
	}
	_, line, has := bytes.Cut(head, []byte("\r\nContent-Length: "))
	n := 0
	if has {
		_, _ = fmt.Sscan(string(line), &n)
	}
	return len(body) >= n
}
