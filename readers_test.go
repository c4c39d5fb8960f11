package beforehand_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/trigger"
)

// proof is how long a proof runs: briefly unless BEFOREHAND_PROVE is set.
func proof(short, long time.Duration) time.Duration {
	if os.Getenv("BEFOREHAND_PROVE") != "" {
		return long
	}
	return short
}

type numbered struct {
	N    int64
	Fill string
}

// answer takes what a handler writes.
type answer struct {
	header http.Header
	status int
	body   []byte
}

func (a *answer) Header() http.Header { return a.header }
func (a *answer) WriteHeader(s int)   { a.status = s }
func (a *answer) Write(b []byte) (int, error) {
	a.body = append(a.body, b...)
	return len(b), nil
}

// Sixty-four readers at full speed, half of them with gzip, a quarter asking
// again with the tag they have, while a result is swapped in every ten
// milliseconds: no answer is torn, empty or older than one before it, and a tag
// is always that of its body.
func TestReadersDuringSwaps(t *testing.T) {
	site := open(t, memory.New())
	var n atomic.Int64
	hot := beforehand.New(site, "hot", func(context.Context) (numbered, error) {
		v := n.Add(1)
		// Lengths differ, so that a length of one with the body of another shows.
		return numbered{v, strings.Repeat("0123456789", 100+int(v%50))}, nil
	}, beforehand.Policy{})
	stop := run(t, site)
	if err := hot.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	// A machine that is busy otherwise gets longer for the same proof.
	enough := time.Now().Add(proof(time.Second, time.Minute))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()

	var tags sync.Map // tag to the result's number
	var reads, notModified atomic.Int64
	var wg sync.WaitGroup
	for reader := range 64 {
		wg.Go(func() {
			r, _ := http.NewRequest("GET", "/hot.json", nil)
			if reader%2 == 0 {
				r.Header.Set("Accept-Encoding", "gzip")
			}
			last := int64(0)
			for ctx.Err() == nil {
				runtime.Gosched() // a reader over a network waits for it too
				if v := hot.Value(); v.N < last {
					t.Errorf("value %d after %d", v.N, last)
					return
				}
				a := &answer{header: http.Header{}}
				hot.ServeHTTP(a, r)
				reads.Add(1)
				tag := a.header.Get("ETag")
				if a.status == http.StatusNotModified {
					notModified.Add(1)
					if tag != r.Header.Get("If-None-Match") || len(a.body) > 0 {
						t.Errorf("304 with tag %s for %s and %d bytes", tag, r.Header.Get("If-None-Match"), len(a.body))
						return
					}
					continue
				}
				v, err := whole(a)
				if err != nil || v.N < last || len(v.Fill) != 10*(100+int(v.N%50)) {
					t.Errorf("status %d, %d after %d, %d bytes: %v", a.status, v.N, last, len(v.Fill), err)
					return
				}
				last = v.N
				if was, loaded := tags.LoadOrStore(tag, v.N); loaded && was != v.N {
					t.Errorf("tag %s of results %d and %d", tag, was, v.N)
					return
				}
				if reader%4 < 2 {
					r.Header.Set("If-None-Match", tag)
				}
			}
		})
	}
	swaps := 0
	for tick := time.NewTicker(10 * time.Millisecond); swaps < 10 || time.Now().Before(enough); <-tick.C {
		if err := hot.Refresh(ctx); err != nil {
			t.Fatal(err)
		}
		swaps++
	}
	cancel()
	wg.Wait()
	stop()
	t.Logf("%d reads, %d of them 304, during %d swaps", reads.Load(), notModified.Load(), swaps)
	if reads.Load() < 1000 || notModified.Load() == 0 {
		t.Errorf("too little happened to prove anything: %d reads, %d swaps", reads.Load(), swaps)
	}
}

// whole decodes an answer whose length must be the one it names.
func whole(a *answer) (numbered, error) {
	var v numbered
	var body io.Reader = bytes.NewReader(a.body)
	if a.status != http.StatusOK || a.header.Get("Content-Length") != strconv.Itoa(len(a.body)) {
		return v, fmt.Errorf("Content-Length %s of %d bytes", a.header.Get("Content-Length"), len(a.body))
	}
	if a.header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			return v, err
		}
		body = z
	}
	return v, json.NewDecoder(body).Decode(&v)
}

// A run of minutes keeps no reader waiting, also while it holds what it likes.
func TestReadersDuringALongRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := open(t, memory.New())
		var slow atomic.Bool
		hot := beforehand.New(site, "hot", func(context.Context) (int, error) {
			if slow.Load() {
				time.Sleep(20 * time.Minute)
			}
			return 1, nil
		}, beforehand.Policy{Trigger: trigger.Every(time.Hour), Wait: time.Minute})
		defer run(t, site)()
		settle(time.Second)
		slow.Store(true)
		settle(time.Hour + time.Minute)
		began := time.Now()
		w := get(hot, "/hot.json")
		c := hot.Current()
		if w.Code != 200 || !time.Now().Equal(began) || c.RunningSince.IsZero() {
			t.Errorf("%d after %v, running since %v", w.Code, time.Since(began), c.RunningSince)
		}
		if a := w.Header().Get("Cache-Control"); a != "max-age=1" && a != "max-age=10" {
			t.Errorf("Cache-Control %q while a run is under way", a)
		}
		settle(20 * time.Minute)
	})
}

// Whatever a refresh does, a reader gets the last result, the same bytes at
// once, all the while, in the process that computes and in another; and
// the next refresh that succeeds is served.
func TestRefreshThatEndsBadlyChangesNothingForReaders(t *testing.T) {
	type refresh struct {
		ctx  context.Context
		lost *atomic.Bool
	}
	ends := map[string]func(refresh) ([]string, error){
		"takes minutes and fails":  func(refresh) ([]string, error) { time.Sleep(20 * time.Minute); return nil, errors.New("no") },
		"fails":                    func(refresh) ([]string, error) { return []string{"half"}, errors.New("no") },
		"panics":                   func(refresh) ([]string, error) { panic("no") },
		"ends its goroutine":       func(refresh) ([]string, error) { runtime.Goexit(); return nil, nil },
		"runs out of time":         func(r refresh) ([]string, error) { <-r.ctx.Done(); return []string{"half"}, r.ctx.Err() },
		"heeds no end of its time": func(refresh) ([]string, error) { time.Sleep(40 * time.Minute); return []string{"late"}, nil },
		"is discarded by a check":  func(refresh) ([]string, error) { return nil, nil },
		"is killed": func(r refresh) ([]string, error) {
			r.lost.Store(true)
			time.Sleep(time.Hour)
			return []string{"late"}, nil
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				state := memory.New()
				var bad atomic.Bool
				var reports []*beforehand.Report[[]string]
				for range 2 {
					lost := new(atomic.Bool)
					site, err := beforehand.Open(t.Context(), beforehand.Config{State: severable{state, lost}})
					if err != nil {
						t.Fatal(err)
					}
					r := beforehand.New(site, "hot", func(ctx context.Context) ([]string, error) {
						if bad.CompareAndSwap(true, false) {
							return end(refresh{ctx, lost})
						}
						return []string{time.Now().Format(time.TimeOnly)}, nil
					}, beforehand.Policy{Trigger: trigger.Every(time.Hour), Timeout: 30 * time.Minute, Wait: time.Minute})
					r.Check(func(_, next []string) error {
						if len(next) == 0 {
							return errors.New("empty")
						}
						return nil
					})
					defer run(t, site)()
					reports = append(reports, r)
				}
				settle(2 * time.Second)
				first := get(reports[0], "/hot.json")
				if first.Code != http.StatusOK {
					t.Fatal(first.Code)
				}
				bad.Store(true)
				next := time.Now().Truncate(time.Hour).Add(time.Hour)
				// What was killed is run again once its lease is over; the
				// others succeed at the next tick.
				for until := next.Add(59 * time.Minute); time.Now().Before(until); settle(5 * time.Second) {
					for i, r := range reports {
						began := time.Now()
						w := get(r, "/hot.json")
						if again := name == "is killed" && w.Body.String() > first.Body.String(); again && time.Now().After(next) {
							continue
						}
						if w.Code != http.StatusOK || w.Body.String() != first.Body.String() || w.Header().Get("ETag") != first.Header().Get("ETag") || !time.Now().Equal(began) {
							t.Fatalf("replica %d, %v after the tick: %d %q after %v", i, time.Since(next), w.Code, w.Body, time.Since(began))
						}
					}
				}
				if bad.Load() {
					t.Error("the refresh did not take place")
				}
				settle(2 * time.Minute)
				for i, r := range reports {
					if w := get(r, "/hot.json"); w.Code != http.StatusOK || w.Body.String() <= first.Body.String() {
						t.Errorf("replica %d after the next tick: %d %q", i, w.Code, w.Body)
					}
				}
			})
		})
	}
}
