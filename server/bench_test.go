package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
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
