// Package accounttest holds every store of accounts to the same contract, and
// the rules of accounts to what they promise.
package accounttest

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/account"
)

// Run runs the suite. New returns an empty store.
func Run(t *testing.T, newStore func(t *testing.T) account.Store) {
	t.Run("a record is what was written last", func(t *testing.T) { keep(t, newStore(t)) })
	t.Run("records are listed from the greatest key down", func(t *testing.T) { list(t, newStore(t)) })
	t.Run("of several changes all are made or none", func(t *testing.T) { whole(t, newStore(t)) })
	t.Run("of two changes of one record one is refused", func(t *testing.T) { race(t, newStore(t)) })
	t.Run("what has ended is deleted, and nothing else", func(t *testing.T) { purge(t, newStore(t)) })
	t.Run("the first owner comes once", func(t *testing.T) { firstOnce(t, newStore(t)) })
	t.Run("an owner stays", func(t *testing.T) { ownerStays(t, newStore(t)) })
	t.Run("attempts at once are counted", func(t *testing.T) { triesAtOnce(t, newStore(t)) })
}

// put is a change of a record of a kind of its own.
func put(key string, version int64, body string) account.Change {
	return account.Change{Record: account.Record{Kind: "test", Key: key, Version: version, Body: []byte(body)}}
}

// write makes changes that must be made.
func write(t *testing.T, s account.Store, changes ...account.Change) {
	t.Helper()
	if err := s.Write(t.Context(), changes); err != nil {
		t.Fatal(err)
	}
}

// refused makes changes that must be refused.
func refused(t *testing.T, s account.Store, changes ...account.Change) {
	t.Helper()
	if err := s.Write(t.Context(), changes); !errors.Is(err, account.ErrChanged) {
		t.Errorf("wrote %+v: %v, want %v", changes, err, account.ErrChanged)
	}
}

// check compares what is kept under a key; the empty body means that nothing is.
func check(t *testing.T, s account.Store, key string, version int64, body string) {
	t.Helper()
	r, err := s.Get(t.Context(), "test", key)
	if body == "" {
		if !errors.Is(err, account.ErrUnknown) {
			t.Errorf("%q is %+v, %v, want %v", key, r, err, account.ErrUnknown)
		}
		return
	}
	if err != nil || r.Version != version || string(r.Body) != body || r.Key != key || r.Kind != "test" {
		t.Errorf("%q is %+v, %v, want version %d of %s", key, r, err, version, body)
	}
}

func keep(t *testing.T, s account.Store) {
	check(t, s, "a", 0, "")
	write(t, s)
	until := time.Date(2026, 3, 1, 12, 0, 0, 123_456_000, time.UTC)
	one := put("a", 0, `{"n":1}`)
	one.Until = until
	write(t, s, one)
	if r, err := s.Get(t.Context(), "test", "a"); err != nil || !r.Until.Equal(until) {
		t.Errorf("kept until %v, %v, want %v", r.Until, err, until)
	}
	refused(t, s, put("a", 0, `{}`))
	write(t, s, put("a", 1, `{"n":2}`))
	check(t, s, "a", 2, `{"n":2}`)
	if r, err := s.Get(t.Context(), "test", "a"); err != nil || !r.Until.IsZero() {
		t.Errorf("kept until %v, %v, want for ever", r.Until, err)
	}
	if _, err := s.Get(t.Context(), "other", "a"); !errors.Is(err, account.ErrUnknown) {
		t.Errorf("of another kind: %v", err)
	}
	stale := put("a", 1, "")
	stale.Delete = true
	refused(t, s, stale)
	fresh := put("a", 2, "")
	fresh.Delete = true
	write(t, s, fresh)
	check(t, s, "a", 0, "")
	refused(t, s, fresh)
	write(t, s, put("", 0, "[]"), put("naïve O'Brien %_\"", 0, "[1]"))
	check(t, s, "", 1, "[]")
	check(t, s, "naïve O'Brien %_\"", 1, "[1]")
}

func list(t *testing.T, s account.Store) {
	other := put("z", 0, "{}")
	other.Kind = "other"
	write(t, s, put("b", 0, "{}"), put("B", 0, "{}"), put("ä", 0, "{}"), put("a", 0, "{}"), put("ab", 0, "{}"), other)
	for _, c := range []struct {
		before string
		limit  int
		want   []string
	}{
		{"", 0, []string{"ä", "b", "ab", "a", "B"}}, // byte by byte, whatever the language
		{"", 2, []string{"ä", "b"}},
		{"b", 0, []string{"ab", "a", "B"}},
		{"b", 1, []string{"ab"}},
		{"B", 0, nil},
	} {
		var got []string
		all, err := s.List(t.Context(), "test", c.before, c.limit)
		for _, r := range all {
			got = append(got, r.Key)
			if r.Version != 1 || string(r.Body) != "{}" || r.Kind != "test" {
				t.Errorf("listed %+v", r)
			}
		}
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%d before %q: %q, %v, want %q", c.limit, c.before, got, err, c.want)
		}
	}
}

func whole(t *testing.T, s account.Store) {
	write(t, s, put("a", 0, "{}"), put("b", 0, "{}"))
	gone := put("b", 1, "")
	gone.Delete = true
	refused(t, s, put("c", 0, "{}"), gone, put("a", 7, "[]"))
	check(t, s, "a", 1, "{}")
	check(t, s, "b", 1, "{}")
	check(t, s, "c", 0, "")
	write(t, s, put("c", 0, "{}"), gone, put("a", 1, "[]"))
	check(t, s, "a", 2, "[]")
	check(t, s, "b", 0, "")
	check(t, s, "c", 1, "{}")
}

// atOnce runs f some times at the same time.
func atOnce(times int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range times {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

func race(t *testing.T, s account.Store) {
	write(t, s, put("a", 0, "{}"), put("b", 0, "{}"))
	var won atomic.Int32
	atOnce(8, func(i int) {
		changes := []account.Change{put("a", 1, "[]"), put("b", 1, "[]")}
		if i%2 == 1 { // in another order, which must not stop either
			changes[0], changes[1] = changes[1], changes[0]
		}
		switch err := s.Write(t.Context(), changes); {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, account.ErrChanged):
			t.Error(err)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d changes of the same version were made", won.Load())
	}
	check(t, s, "a", 2, "[]")
	check(t, s, "b", 2, "[]")
}

func purge(t *testing.T, s account.Store) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for key, until := range map[string]time.Time{
		"ever": {}, "past": now.Add(-time.Hour), "now": now, "later": now.Add(time.Microsecond),
	} {
		c := put(key, 0, "{}")
		c.Until = until
		write(t, s, c)
	}
	if err := s.Purge(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	for key, body := range map[string]string{"ever": "{}", "past": "", "now": "", "later": "{}"} {
		check(t, s, key, 1, body)
	}
}

// firstOnce has several become the first owner at once, each by a link of their
// own, as replicas print them.
func firstOnce(t *testing.T, s account.Store) {
	var links []string
	for range 4 {
		link, err := newDesk(s).SetupLink(t.Context())
		if err != nil || link == "" {
			t.Fatalf("setup link %q, %v", link, err)
		}
		links = append(links, link)
	}
	var won atomic.Int32
	atOnce(len(links), func(i int) {
		_, err := newDesk(s).Join(t.Context(), links[i], fmt.Sprintf("owner%d", i), password, somewhere)
		switch {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, account.ErrNoLink):
			t.Error(err)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d became the first owner", won.Load())
	}
	if link, err := newDesk(s).SetupLink(t.Context()); link != "" || err != nil {
		t.Errorf("a link for the first owner when there is one: %v", err)
	}
}

// ownerStays has two owners remove each other at once.
func ownerStays(t *testing.T, s account.Store) {
	d := newDesk(s)
	a, b := add(t, d, "a", account.Everywhere, account.Owner), add(t, d, "b", account.Everywhere, account.Owner)
	atOnce(2, func(i int) {
		by, who := a, "b"
		if i == 1 {
			by, who = b, "a"
		}
		if err := newDesk(s).Remove(t.Context(), by, who); err != nil && !errors.Is(err, account.ErrLastOwner) {
			t.Error(err)
		}
	})
	users, err := d.Users(t.Context())
	if err != nil || len(users) != 1 || !users[0].OwnsAll() {
		t.Errorf("left are %+v, %v", users, err)
	}
}

// triesAtOnce has many try at once at several desks.
func triesAtOnce(t *testing.T, s account.Store) {
	add(t, newDesk(s), "a", account.Everywhere, account.Owner)
	var tried atomic.Int32
	atOnce(30, func(i int) {
		from := account.From{Address: fmt.Sprintf("192.0.%d.0/24", i)}
		_, _, err := newDesk(s).SignIn(t.Context(), "a", "a wrong password", "", from)
		var wait *account.WaitError
		switch {
		case errors.Is(err, account.ErrRefused):
			tried.Add(1)
		case !errors.As(err, &wait) || wait.Wait <= 0:
			t.Error(err)
		}
	})
	if n := tried.Load(); n < 1 || n > 11 {
		t.Errorf("%d passwords were tried at once", n)
	}
}
