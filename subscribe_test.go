package beforehand_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/trigger"
)

// pipe serves a handler without sockets, which a bubble needs.
func pipe(t *testing.T, h http.Handler, timeout time.Duration) *http.Client {
	t.Helper()
	l := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: h, WriteTimeout: timeout}
	go func() { _ = server.Serve(l) }()
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		l.conns <- theirs
		return ours, nil
	}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return &http.Client{Transport: transport}
}

type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// stream reads a subscription line by line.
func stream(t *testing.T, client *http.Client, path, lastID string) <-chan string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://site"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if ct := answer.Header.Get("Content-Type"); ct != "text/event-stream" {
		t.Errorf("Content-Type %q", ct)
	}
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		defer answer.Body.Close()
		for s := bufio.NewScanner(answer.Body); s.Scan(); {
			if s.Text() != "" {
				lines <- s.Text()
			}
		}
	}()
	return lines
}

// taken returns what has come so far, without the data.
func taken(lines <-chan string) string {
	var got []string
	for {
		select {
		case l, ok := <-lines:
			if !ok {
				return strings.Join(append(got, "end"), " ")
			}
			if !strings.HasPrefix(l, "data: ") {
				got = append(got, strings.ReplaceAll(l, " ", ""))
			}
		default:
			return strings.Join(got, " ")
		}
	}
}

func TestSubscribe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		site := open(t, memory.New())
		hot := beforehand.New(site, "hot", counter(&calls), beforehand.Policy{Trigger: trigger.Every(time.Minute)})
		stop := run(t, site)
		settle(time.Second)
		client := pipe(t, http.HandlerFunc(hot.Subscribe), 5*time.Second)
		fresh := stream(t, client, "/hot/events", "")
		settle(time.Millisecond)
		if got := taken(fresh); got != "retry:3000" {
			t.Errorf("at first: %s", got)
		}
		settle(time.Minute)
		// Beyond the server's own timeout, with three heartbeats on the way.
		if got := taken(fresh); got != ": : : event:snapshot id:2 :" && got != ": : : : event:snapshot id:2" && got != ": : : event:snapshot id:2" {
			t.Errorf("after a minute: %s", got)
		}
		back := stream(t, client, "/hot/events", "1")
		same := stream(t, client, "/hot/events", "2")
		settle(time.Millisecond)
		if got := taken(back); got != "retry:3000 event:snapshot id:2" {
			t.Errorf("back with an older version: %s", got)
		}
		if got := taken(same); got != "retry:3000" {
			t.Errorf("back with the same version: %s", got)
		}
		stop()
		settle(time.Second)
		for _, lines := range []<-chan string{fresh, back, same} {
			if got := taken(lines); !strings.HasSuffix(got, "end") {
				t.Errorf("when the site stops: %s", got)
			}
		}
	})
}
