package server_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// BenchmarkReaders measures snapshots handed to readers per second over
// connections on loopback; the readers share the machine with the server.
func BenchmarkReaders(b *testing.B) {
	s := start(b)
	importLog(b, s, "/import?site=blog&name=access.log", logOf(10_000))
	if err := s.Refresh(b.Context()); err != nil {
		b.Fatal(err)
	}
	front := httptest.NewServer(s.Handler())
	defer front.Close()
	for _, c := range []struct{ name, path, etag string }{
		{"json", "/s/blog/hot.json", ""},
		{"svg", "/s/blog/pageviews.svg", ""},
		{"page", "/", ""},
		{"not modified", "/s/blog/hot.json", "*"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				client := &http.Client{Transport: &http.Transport{}}
				defer client.CloseIdleConnections()
				for pb.Next() {
					req, err := http.NewRequest(http.MethodGet, front.URL+c.path, nil)
					if err != nil {
						b.Fatal(err)
					}
					req.Header.Set("Accept-Encoding", "gzip")
					if c.etag != "" {
						req.Header.Set("If-None-Match", c.etag)
					}
					res, err := client.Do(req)
					if err != nil {
						b.Fatal(err)
					}
					io.Copy(io.Discard, res.Body)
					res.Body.Close()
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
		})
	}
}

// BenchmarkPageviews measures pageviews acknowledged per second over HTTP on
// loopback, each in a request of its own or in batches; the senders share the
// machine with the server.
func BenchmarkPageviews(b *testing.B) {
	for _, c := range []struct {
		name           string
		senders, batch int
	}{
		{"one each from 32", 32, 1}, {"one each from 64", 64, 1}, {"1000 at once from 4", 4, 1000}, {"10000 at once from 4", 4, 10_000},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := start(b)
			receiveInto(b, s)
			front := httptest.NewServer(s.Handler())
			defer front.Close()
			var body strings.Builder
			for i := range c.batch {
				fmt.Fprintf(&body, `{"path":"/posts/%d","title":"A page","address":"203.0.113.%d","agent":"Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0","referrer":"https://news.example/item"}`+"\n", i%50, i%250)
			}
			text := body.String()
			var left atomic.Int64
			left.Store(int64(max(b.N/c.batch, 1)))
			requests := left.Load()
			b.ResetTimer()
			var wg sync.WaitGroup
			for range c.senders {
				wg.Go(func() {
					client := &http.Client{Transport: &http.Transport{}}
					defer client.CloseIdleConnections()
					for left.Add(-1) >= 0 {
						req, err := http.NewRequest(http.MethodPost, front.URL+"/api/v1/pageviews", strings.NewReader(text))
						if err != nil {
							b.Error(err)
							return
						}
						req.Header.Set("Content-Type", "application/x-ndjson")
						req.Header.Set("Authorization", "Bearer write")
						res, err := client.Do(req)
						if err != nil || res.StatusCode != http.StatusOK {
							b.Errorf("%v %v", res, err)
							return
						}
						io.Copy(io.Discard, res.Body)
						res.Body.Close()
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(requests)*float64(c.batch)/b.Elapsed().Seconds(), "pageviews/s")
		})
	}
}
