// Package outboxtest holds every store of messages to the same contract.
package outboxtest

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/outbox"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

var made = time.Date(2026, 3, 1, 8, 0, 0, 123000, time.UTC)

// message is one with all fields set.
func message(tick string) outbox.Message {
	return outbox.Message{
		Kind: "weekly", Way: outbox.Mail, Recipient: "owner@example.org", Tick: tick, Site: "blog", Subject: "Ein Gruß, 你好",
		Body: []byte("From: a\r\n\r\n\x00\xff"), Created: made, State: outbox.Waiting, Next: made,
	}
}

// Run runs the suite. New returns an empty store.
func Run(t *testing.T, newStore func(t *testing.T) outbox.Store) {
	t.Run("a message is there once", func(t *testing.T) { once(t, newStore(t)) })
	t.Run("what is due is given in its order until it ends", func(t *testing.T) { due(t, newStore(t)) })
	t.Run("of two who tried one is noted", func(t *testing.T) { twoTry(t, newStore(t)) })
	t.Run("what was given up is tried again when somebody says so", func(t *testing.T) { retry(t, newStore(t)) })
	t.Run("list and purge", func(t *testing.T) { list(t, newStore(t)) })
	t.Run("several put the same", func(t *testing.T) { race(t, newStore(t)) })
}

func put(t *testing.T, s outbox.Store, want int, messages ...outbox.Message) {
	t.Helper()
	if n, err := s.Put(t.Context(), messages...); err != nil || n != want {
		t.Fatalf("put %d, %v, want %d", n, err, want)
	}
}

func find(t *testing.T, s outbox.Store, id string) outbox.Message {
	t.Helper()
	m, err := s.Find(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func once(t *testing.T, s outbox.Store) {
	m := message("a@1")
	put(t, s, 1, m)
	again := m
	again.Subject, again.Created = "another", made.Add(time.Hour)
	hook := m
	hook.Way, hook.Recipient = outbox.Webhook, "ops"
	put(t, s, 1, again, hook)
	put(t, s, 0, again, hook)
	if got := find(t, s, m.ID()); !reflect.DeepEqual(got, m) {
		t.Errorf("\n got %+v\nwant %+v", got, m)
	}
	if got := find(t, s, hook.ID()); !reflect.DeepEqual(got, hook) {
		t.Errorf("\n got %+v\nwant %+v", got, hook)
	}
	if _, err := s.Find(t.Context(), strings.Repeat("0", 32)); !errors.Is(err, outbox.ErrUnknown) {
		t.Errorf("what is not there: %v", err)
	}
	bad := message("b@1")
	bad.Way = "pigeon"
	if n, err := s.Put(t.Context(), message("c@1"), bad); err == nil || n != 0 {
		t.Errorf("a message that cannot be sent: %d, %v", n, err)
	}
	good := message("c@1")
	if _, err := s.Find(t.Context(), good.ID()); !errors.Is(err, outbox.ErrUnknown) {
		t.Errorf("half of what was put is there: %v", err)
	}
}

func due(t *testing.T, s outbox.Store) {
	first, second, later := message("a@1"), message("b@1"), message("c@1")
	second.Next = made.Add(time.Microsecond)
	later.Next = made.Add(time.Hour)
	put(t, s, 3, later, second, first)
	ask := func(by time.Time, limit int, want ...outbox.Message) {
		t.Helper()
		got, err := s.Due(t.Context(), by, limit)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%d due, %v, want %d", len(got), err, len(want))
		}
		for i := range got {
			if !reflect.DeepEqual(got[i], want[i]) {
				t.Errorf("\n got %+v\nwant %+v", got[i], want[i])
			}
		}
	}
	ask(made.Add(-time.Microsecond), 10)
	ask(made.Add(time.Minute), 10, first, second)
	ask(made.Add(time.Minute), 1, first)
	now := made.Add(time.Minute)
	first, second = first.Tried(now, nil), second.Tried(now, errors.New("no answer"))
	for _, m := range []outbox.Message{first, second} {
		if err := s.Note(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if got := find(t, s, first.ID()); !reflect.DeepEqual(got, first) || got.State != outbox.Sent {
		t.Errorf("\n got %+v\nwant %+v", got, first)
	}
	ask(now, 10)
	ask(second.Next, 10, second)
	put(t, s, 0, message("a@1")) // what was sent is not sent again
}

func twoTry(t *testing.T, s outbox.Store) {
	m := message("a@1")
	put(t, s, 1, m)
	sent, failed := m.Tried(made, nil), m.Tried(made, errors.New("no answer"))
	for _, tried := range []outbox.Message{sent, failed} {
		if err := s.Note(t.Context(), tried); err != nil {
			t.Fatal(err)
		}
	}
	if got := find(t, s, m.ID()); got.State != outbox.Sent {
		t.Errorf("the later note undid the first: %+v", got)
	}
	if err := s.Note(t.Context(), message("gone@1").Tried(made, nil)); err != nil {
		t.Errorf("a message that was purged meanwhile: %v", err)
	}
}

func retry(t *testing.T, s outbox.Store) {
	m := message("a@1")
	put(t, s, 1, m)
	given := m.Tried(made, &outbox.NeverError{Err: errors.New("no such person")})
	if given.State != outbox.GivenUp {
		t.Fatalf("%+v", given)
	}
	if err := s.Note(t.Context(), given); err != nil {
		t.Fatal(err)
	}
	at := made.Add(48 * time.Hour)
	if err := s.Retry(t.Context(), m.ID(), at); err != nil {
		t.Fatal(err)
	}
	want := m
	want.Next, want.Error = at, "no such person"
	if got, err := s.Due(t.Context(), at, 1); err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if err := s.Note(t.Context(), want.Tried(at, nil)); err != nil {
		t.Fatal(err)
	}
	if err := s.Retry(t.Context(), m.ID(), at); !errors.Is(err, outbox.ErrSent) {
		t.Errorf("what was sent: %v", err)
	}
	if err := s.Retry(t.Context(), strings.Repeat("0", 32), at); !errors.Is(err, outbox.ErrUnknown) {
		t.Errorf("what is not there: %v", err)
	}
}

func list(t *testing.T, s outbox.Store) {
	var all []outbox.Message
	for i, tick := range []string{"a@1", "b@1", "c@1"} {
		m := message(tick)
		m.Created = made.Add(time.Duration(i) * time.Hour)
		all = append(all, m)
	}
	all[1].Site = ""
	put(t, s, 3, all...)
	sent := all[0].Tried(made, nil)
	if err := s.Note(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	ticks := func(q outbox.Query) (ticks string) {
		t.Helper()
		got, err := s.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range got {
			if m.Body != nil {
				t.Error("a list has bodies")
			}
			ticks += m.Tick + " "
		}
		return ticks
	}
	for _, c := range []struct {
		q    outbox.Query
		want string
	}{
		{outbox.Query{Limit: 10}, "c@1 b@1 a@1 "},
		{outbox.Query{Limit: 2}, "c@1 b@1 "},
		{outbox.Query{State: outbox.Sent, Limit: 10}, "a@1 "},
		{outbox.Query{Site: "blog", State: outbox.Waiting, Limit: 10}, "c@1 "},
	} {
		if got := ticks(c.q); got != c.want {
			t.Errorf("%+v: %q, want %q", c.q, got, c.want)
		}
	}
	for before, want := range map[time.Time]int{made: 0, made.Add(time.Microsecond): 1} {
		if n, err := s.Purge(t.Context(), before); err != nil || n > want {
			t.Errorf("purge before %v: %d, %v", before, n, err)
		}
	}
	if got := ticks(outbox.Query{Limit: 10}); got != "c@1 b@1 " {
		t.Errorf("what waits was purged: %q", got)
	}
}

func race(t *testing.T, s outbox.Store) {
	var added atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			n, err := s.Put(t.Context(), message("a@1"), message("b@1"))
			if err != nil {
				t.Error(err)
			}
			added.Add(int64(n))
		})
	}
	wg.Wait()
	if added.Load() != 2 {
		t.Errorf("added %d times", added.Load())
	}
}

// State is a state store with an outbox.
type State interface {
	Jobs() scheduler.Store
	Outbox() outbox.Store
}

// RunEffects holds an engine to writing messages in the transaction of the run
// that has made them.
func RunEffects(t *testing.T, newState func(t *testing.T) State) {
	t.Run("a run's messages are there when it succeeded", func(t *testing.T) { effects(t, newState(t)) })
}

func effects(t *testing.T, state State) {
	s, err := scheduler.New(scheduler.Config{Store: state.Jobs()})
	if err != nil {
		t.Fatal(err)
	}
	var commit []any
	var fails error
	job := scheduler.Job{Name: "weekly/blog", Trigger: trigger.Never{}, Run: func(_ context.Context, r *scheduler.Run) error {
		for _, m := range commit {
			r.Commit(m)
		}
		return fails
	}}
	if err := s.Add(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	bad := message("bad@1")
	bad.Way = "pigeon"
	for _, c := range []struct {
		about  string
		commit []any
		fails  error
		want   int
	}{
		{"the run fails", []any{message("a@1")}, errors.New("it could not be told"), 0},
		{"one cannot be sent", []any{message("a@1"), bad}, nil, 0},
		{"the run succeeds", []any{message("a@1"), message("b@1"), message("b@1")}, nil, 2},
		{"the next says the same and more", []any{message("a@1"), message("c@1")}, nil, 3},
	} {
		commit, fails = c.commit, c.fails
		err := s.Refresh(t.Context(), job.Name)
		if (err == nil) != (c.fails == nil && c.want > 0) {
			t.Errorf("%s: %v", c.about, err)
		}
		list, err := state.Outbox().List(t.Context(), outbox.Query{Limit: 10})
		if err != nil || len(list) != c.want {
			t.Errorf("%s: %d messages, %v, want %d", c.about, len(list), err, c.want)
		}
	}
}
