package duckdb

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/pageview/engine"
)

// TestFullQueueRefusesAtOnce holds the writer up while more comes than the
// queue takes.
func TestFullQueueRefusesAtOnce(t *testing.T) {
	b := pageview.Batch{Pageviews: []pageview.Pageview{benchView(1)}}
	s, err := Open(t.Context(), Config{Path: filepath.Join(t.TempDir(), "pageviews.duckdb"), QueueBytes: 10*engine.Weight(&b) + 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Site(t.Context(), pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	held, held2, goOn := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := s.do(t.Context(), func(context.Context, *writer) error {
			close(held)
			<-goOn
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-held
	var kept, busy atomic.Int64
	var senders sync.WaitGroup
	for range 100 {
		senders.Go(func() {
			switch err := s.Append(t.Context(), b); {
			case err == nil:
				kept.Add(1)
			case errors.Is(err, pageview.ErrBusy):
				if busy.Add(1) == 90 {
					close(held2)
				}
			default:
				t.Error(err)
			}
		})
	}
	<-held2 // 90 were answered while nothing could be written
	patient := b
	patient.Wait = true
	senders.Go(func() {
		if err := s.Append(t.Context(), patient); err != nil {
			t.Error(err)
		}
	})
	close(goOn)
	senders.Wait()
	wg.Wait()
	if err := s.Append(t.Context(), b); err != nil {
		t.Errorf("with room again: %v", err)
	}
	rows := pageviewRows(t, s)
	if kept.Load() != 10 || busy.Load() != 90 || rows != 12 {
		t.Errorf("%d kept, %d refused, %d rows", kept.Load(), busy.Load(), rows)
	}
	large := pageview.Batch{Pageviews: make([]pageview.Pageview, 50)}
	for i := range large.Pageviews {
		large.Pageviews[i] = benchView(i)
	}
	if err := s.Append(t.Context(), large); err != nil {
		t.Errorf("a batch larger than the queue, alone: %v", err)
	}
}

// TestGivingUpLeavesRoom cancels what waits; its place is free once it was
// written.
func TestGivingUpLeavesRoom(t *testing.T) {
	b := pageview.Batch{Pageviews: []pageview.Pageview{benchView(1)}}
	s := open(t, filepath.Join(t.TempDir(), "pageviews.duckdb"))
	defer s.Close()
	if _, err := s.Site(t.Context(), pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 {
		if err := s.Append(ctx, b); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	if err := s.Append(t.Context(), b); err != nil {
		t.Error(err)
	}
	s.Close()
	if s.queue.bytes != 0 {
		t.Errorf("%d bytes are still taken", s.queue.bytes)
	}
}

// TestSendersGatherInOneGroup has senders that send again as soon as they are
// answered share each transaction, whenever they began; one that is alone waits
// for nothing but its own.
func TestSendersGatherInOneGroup(t *testing.T) {
	const rounds, commit, pause = 50, 4 * time.Millisecond, 200 * time.Microsecond
	for _, senders := range []int{1, 2, 32} {
		synctest.Test(t, func(t *testing.T) {
			q := newQueue(1 << 20)
			var groups []int
			var wg, writer sync.WaitGroup
			writer.Go(func() {
				for group := q.take(); len(group) > 0; group = q.take() {
					time.Sleep(commit)
					q.release(group)
					groups = append(groups, len(group))
					for _, r := range group {
						r.done <- nil
					}
				}
			})
			began := time.Now()
			for i := range senders {
				wg.Go(func() {
					time.Sleep(time.Duration(i) * pause)
					for range rounds {
						r := request{done: make(chan error, 1)}
						if err := q.put(r); err != nil {
							t.Error(err)
							return
						}
						<-r.done
						time.Sleep(pause)
					}
				})
			}
			wg.Wait()
			took := time.Since(began)
			q.close()
			writer.Wait()
			if len(groups) > rounds+10 || groups[len(groups)/2] != senders {
				t.Errorf("%d senders: groups of %v", senders, groups)
			}
			if want := rounds * (commit + pause); senders == 1 && took != want {
				t.Errorf("one sender took %v, want %v", took, want)
			}
		})
	}
}

func pageviewRows(t *testing.T, s *Store) (n int64) {
	t.Helper()
	if err := readers(t, s).QueryRowContext(t.Context(), `SELECT count(*) FROM pageviews`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pageviews.duckdb")
	s := open(t, path)
	if _, err := s.Site(t.Context(), pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	v := benchView(5)
	stay := pageview.Stay{Site: "blog", At: v.At.Add(time.Minute), Day: v.Day, Path: v.Path, Visitor: v.Visitor, For: 61_400 * time.Millisecond}
	b := pageview.Batch{Pageviews: []pageview.Pageview{v}, Stays: []pageview.Stay{stay, stay}}
	if err := s.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = open(t, path)
	defer s.Close()
	if err := s.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	var rows, seqs, seconds int64
	var last uint64
	row := readers(t, s).QueryRowContext(t.Context(), `
		SELECT count(*), count(DISTINCT s.seq), CAST(sum(seconds) AS BIGINT), max(s.seq)
		FROM stays s JOIN pages p ON p.id = s.page AND p.site = s.site AND p.path = '/posts/hello'
		WHERE s."at" = TIMESTAMP '2026-01-01 00:01:05' AND s.seq NOT IN (SELECT seq FROM pageviews)`)
	if err := row.Scan(&rows, &seqs, &seconds, &last); err != nil {
		t.Fatal(err)
	}
	span, err := s.Span(t.Context(), "blog")
	if err != nil || rows != 4 || seqs != 4 || seconds != 4*61 || span.Through != last || last != 6 {
		t.Errorf("%d rows, %d sequence numbers, %d seconds, the last %d, span %+v, error %v", rows, seqs, seconds, last, span, err)
	}
}
