package server_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
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
// loopback, each in a request of its own or in batches, and the CPU of each. The
// senders share the machine with the server, so they do no more than write the
// same bytes and read the head of the answer.
func BenchmarkPageviews(b *testing.B) {
	for _, c := range []struct {
		name           string
		senders, batch int
	}{
		{"one each from 32", 32, 1}, {"one each from 64", 64, 1}, {"500 at once from 4", 4, 500}, {"10000 at once from 4", 4, 10_000},
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
			request := fmt.Appendf(nil, "POST /api/v1/pageviews HTTP/1.1\r\nHost: blog.example\r\nAuthorization: Bearer write\r\n"+
				"Content-Type: application/x-ndjson\r\nContent-Length: %d\r\n\r\n%s", body.Len(), body.String())
			var left atomic.Int64
			left.Store(int64(max(b.N/c.batch, 1)))
			sent := left.Load() * int64(c.batch)
			began := cpuTime(b)
			b.ResetTimer()
			var wg sync.WaitGroup
			for range c.senders {
				wg.Go(func() {
					if err := sendAgain(front.Listener.Addr(), request, &left); err != nil {
						b.Error(err)
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(sent)/b.Elapsed().Seconds(), "pageviews/s")
			b.ReportMetric((cpuTime(b)-began).Seconds()*1e6/float64(sent), "cpu-us/pageview")
		})
	}
}

// sendAgain sends the same request over one connection, as often as is left.
func sendAgain(to net.Addr, request []byte, left *atomic.Int64) error {
	conn, err := net.Dial(to.Network(), to.String())
	if err != nil {
		return err
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for left.Add(-1) >= 0 {
		if _, err := conn.Write(request); err != nil {
			return err
		}
		if err := passAnswer(in); err != nil {
			return err
		}
	}
	return nil
}

// passAnswer reads an answer, which must be 200 OK.
func passAnswer(in *bufio.Reader) error {
	length := 0
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		switch {
		case err != nil:
			return err
		case first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")):
			return fmt.Errorf("answered %q", line)
		case len(line) == 2:
			_, err := in.Discard(length)
			return err
		case bytes.HasPrefix(line, []byte("Content-Length: ")):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[16:]))); err != nil {
				return err
			}
		}
	}
}

// cpuTime is what the process has used of all cores.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
