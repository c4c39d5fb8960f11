package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/beforehand-go/beforehand/internal/onewrite"
	"github.com/beforehand-go/beforehand/snapshot"
)

// result is a snapshot and its bytes.
type result struct {
	served        *snapshot.Served
	plain, packed []byte
	tag           string // of the packed bytes, quoted
}

// results by path, the same in every process.
var results = map[string]result{"/20k.json": makeResult(1900), "/3k.json": makeResult(270)}

// loads are what is asked for.
func loads() []load {
	gzip := "Accept-Encoding: gzip, deflate, br"
	return []load{
		{"20 kB of gzip", "/20k.json", []string{gzip}},
		{"3 kB of gzip", "/3k.json", []string{gzip}},
		{"304", "/20k.json", []string{gzip, "If-None-Match: " + results["/20k.json"].tag, "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT"}},
	}
}

// makeResult makes JSON of n lines with numbers that do not compress well.
func makeResult(n int) result {
	random := rand.New(rand.NewPCG(1, uint64(n)))
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `{"path":"/articles/%d","pageviews":%d,"visitors":%d},`, random.IntN(1e6), random.IntN(1e7), i)
	}
	files, err := snapshot.Build([]snapshot.Format{{Name: "json", Body: b.Bytes()}}, []snapshot.Encoder{snapshot.Gzip()}, nil, time.Unix(1_700_000_000, 0))
	if err != nil {
		panic(err) // gzip into memory
	}
	s := snapshot.Snapshot{Version: 1, ComputedAt: time.Unix(1_700_000_000, 0), Took: time.Second, Files: files}
	packed, _ := s.File("json", "gzip")
	return result{
		served: snapshot.Prepare(s, snapshot.State{NextAt: time.Now().Add(time.Hour)}, snapshot.Rules{}),
		plain:  b.Bytes(), packed: packed.Body, tag: `"` + packed.Tag + `"`,
	}
}

// header is what the handler of package snapshot answers, for the others to
// send the same.
func (r result) header() http.Header {
	w, q := httptest.NewRecorder(), httptest.NewRequest("GET", "/x.json", nil)
	q.Header.Set("Accept-Encoding", "gzip")
	r.served.ServeHTTP(w, q)
	return w.Header()
}

func serve(kind string) error {
	l, err := net.Listen("tcp", os.Getenv("SERVE_ADDR"))
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, func() { os.Exit(0) })
	current := map[string]*atomic.Pointer[snapshot.Served]{}
	for path, r := range results {
		current[path] = &atomic.Pointer[snapshot.Served]{}
		current[path].Store(r.served)
	}
	if os.Getenv("SERVE_REFRESH") != "" {
		go func() {
			for { // renders, compresses, tags, prepares and swaps
				current["/20k.json"].Store(makeResult(1900).served)
			}
		}()
	}
	if kind == "fasthttp" {
		return serveFast(l)
	}
	mux := http.NewServeMux()
	for path, r := range results {
		switch kind {
		case "bare net/http":
			mux.Handle("GET "+path, bare(r))
		case "http.ServeContent":
			mux.Handle("GET "+path, content(r))
		default:
			mux.HandleFunc("GET "+path, func(w http.ResponseWriter, q *http.Request) { current[path].Load().ServeHTTP(w, q) })
		}
	}
	if kind == "snapshot, one write" { // as the program serves it
		debug.SetGCPercent(400)
		l = onewrite.Listener(l)
	}
	server := &http.Server{ // with the timeouts of the program, as any that is public has
		Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 5 * time.Minute, IdleTimeout: 2 * time.Minute,
	}
	return server.Serve(l)
}

// bare sends prebuilt headers and the bytes, and compares one tag.
func bare(r result) http.Handler {
	type field struct {
		key   string
		value []string
	}
	var all, some []field
	for k, v := range r.header() {
		all = append(all, field{k, v})
		if k != "Content-Length" && k != "Content-Type" && k != "Content-Encoding" && k != "Last-Modified" {
			some = append(some, field{k, v})
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		h := w.Header()
		if tags := q.Header["If-None-Match"]; len(tags) == 1 && tags[0] == r.tag {
			for i := range some {
				h[some[i].key] = some[i].value
			}
			w.WriteHeader(http.StatusNotModified)
			return
		}
		for i := range all {
			h[all[i].key] = all[i].value
		}
		_, _ = w.Write(r.packed)
	})
}

func content(r result) http.Handler {
	header := r.header()
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		h := w.Header()
		for k, v := range header {
			if k != "Content-Length" {
				h[k] = v
			}
		}
		http.ServeContent(w, q, "x.json", time.Unix(1_700_000_000, 0), bytes.NewReader(r.packed))
	})
}

func serveFast(l net.Listener) error {
	headers := map[string]http.Header{}
	for path, r := range results {
		headers[path] = r.header()
	}
	return fasthttp.Serve(l, func(c *fasthttp.RequestCtx) {
		path := string(c.Path())
		r, header := results[path], headers[path]
		for k, v := range header {
			if k != "Content-Length" {
				c.Response.Header.Set(k, v[0])
			}
		}
		if string(c.Request.Header.Peek("If-None-Match")) == r.tag {
			c.Response.Header.Del("Content-Type")
			c.SetStatusCode(http.StatusNotModified)
			return
		}
		c.Response.SetBodyRaw(r.packed)
	})
}
