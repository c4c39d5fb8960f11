package postgres_test

import (
	"errors"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/calendar"
	"github.com/beforehand-go/beforehand/calendar/calendartest"
	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/collect/salttest"
	"github.com/beforehand-go/beforehand/internal/pgtest"
	"github.com/beforehand-go/beforehand/outbox"
	"github.com/beforehand-go/beforehand/outbox/outboxtest"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
	"github.com/beforehand-go/beforehand/statetest"
	"github.com/beforehand-go/beforehand/token"
	"github.com/beforehand-go/beforehand/token/tokentest"
	"github.com/beforehand-go/beforehand/trigger"
)

// TestKept shares one database server between its cases.
func TestKept(t *testing.T) {
	server := pgtest.Start(t, "fsync=off", "synchronous_commit=off")
	t.Run("salts", func(t *testing.T) {
		salttest.Run(t, func(t *testing.T) func() collect.KeptSalts {
			dsn := server.Database(t)
			return func() collect.KeptSalts { return connect(t, dsn).Salts() }
		})
	})
	t.Run("tokens", func(t *testing.T) {
		tokentest.Run(t, func(t *testing.T) token.Store { return connect(t, server.Database(t)).Tokens() })
	})
	t.Run("calendars", func(t *testing.T) {
		calendartest.Run(t, func(t *testing.T) calendar.Store { return connect(t, server.Database(t)).Calendars() })
	})
	t.Run("outbox", func(t *testing.T) {
		outboxtest.Run(t, func(t *testing.T) outbox.Store { return connect(t, server.Database(t)).Outbox() })
		outboxtest.RunEffects(t, func(t *testing.T) outboxtest.State { return connect(t, server.Database(t)) })
	})
	t.Run("the first to keep a fact is right", func(t *testing.T) {
		dsn := server.Database(t)
		for _, value := range []string{"a", "b"} {
			if kept, err := connect(t, dsn).Fact(t.Context(), "key", value); err != nil || kept != "a" {
				t.Errorf("%s: kept %q, %v", value, kept, err)
			}
		}
	})
	t.Run("a site is forgotten and no other", func(t *testing.T) { testForget(t, server.Database(t)) })
	t.Run("all of a site is forgotten", func(t *testing.T) { statetest.RunForget(t, connect(t, server.Database(t))) })
}

func testForget(t *testing.T, dsn string) {
	s := connect(t, dsn)
	ctx := t.Context()
	scheduled, err := scheduler.New(scheduler.Config{Store: s.Jobs()})
	if err != nil {
		t.Fatal(err)
	}
	sites := []string{"blog", "blo", "blog2", "b_og"}
	for _, site := range sites {
		err := scheduled.Add(ctx, scheduler.Job{Name: site + "/hot", Trigger: trigger.Every(time.Hour)})
		_, put := s.Snapshots().Put(ctx, snapshot.Snapshot{Key: snapshot.Key{Report: site + "/hot"}})
		_, salt := s.Salts().Salt(ctx, site, 20_000, []byte("old"))
		if err := errors.Join(err, put, salt); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Forget(ctx, "blog"); err != nil {
		t.Fatal(err)
	}
	for _, site := range sites {
		jobs, err := s.Jobs().Jobs(ctx, site+"/hot")
		_, get := s.Snapshots().Get(ctx, snapshot.Key{Report: site + "/hot"}, 0)
		salt, err2 := s.Salts().Salt(ctx, site, 20_000, []byte("new"))
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		gone := len(jobs) == 0 && errors.Is(get, snapshot.ErrNone) && string(salt) == "new"
		there := len(jobs) == 1 && get == nil && string(salt) == "old"
		if site == "blog" && !gone || site != "blog" && !there {
			t.Errorf("%s: %d jobs, snapshot %v, salt %s", site, len(jobs), get, salt)
		}
	}
}
