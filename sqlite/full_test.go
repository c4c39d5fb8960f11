package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/scheduler/schedulertest"
	"github.com/beforehand-go/beforehand/trigger"
)

// pages bounds the file, which is what a full disk looks like to SQLite.
func (s *State) pages(t *testing.T, n string) {
	t.Helper()
	c := s.writing
	if err := c.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer c.leave()
	if err := c.open(); err != nil { // what is full closes the connection
		t.Fatal(err)
	}
	if err := c.script("PRAGMA max_page_count = " + n); err != nil {
		t.Fatal(err)
	}
}

func TestAFullDiskIsReportedAndRecoveredFrom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state, err := Open(filepath.Join(t.TempDir(), "full.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer state.Close()
		s, err := scheduler.New(scheduler.Config{Store: state.Jobs()})
		if err != nil {
			t.Fatal(err)
		}
		var runs atomic.Int64
		var jobs []scheduler.Job
		for i := range 20 {
			jobs = append(jobs, scheduler.Job{
				Name: fmt.Sprintf("job-%d", i), Trigger: trigger.Every(time.Minute),
				Run: func(_ context.Context, r *scheduler.Run) error {
					runs.Add(1)
					return schedulertest.Commit(r, 0)
				},
			})
		}
		if err := s.Add(t.Context(), jobs...); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		time.Sleep(2*time.Minute + time.Second)
		for range 20 * 60 * 10 {
			state.pages(t, "1") // no more than there are
			time.Sleep(100 * time.Millisecond)
		}
		before := runs.Load()
		if h := s.Health(); h.OK || !strings.Contains(fmt.Sprint(h.Reasons), "full") {
			t.Errorf("health on a full disk: %q", h.Reasons)
		}
		state.pages(t, "100000")
		time.Sleep(3 * time.Minute)
		if h := s.Health(); !h.OK {
			t.Errorf("health after it: %q", h.Reasons)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		failed, err := state.Jobs().Ticks(t.Context(), scheduler.Query{Outcome: scheduler.Failed, Limit: -1})
		if err != nil || len(failed) > 0 {
			t.Errorf("%d ticks failed for want of room, %v", len(failed), err)
		}
		if n := schedulertest.CheckEffects(t, state); runs.Load() <= before || int(runs.Load()) < n || n == 0 {
			t.Errorf("%d runs then %d, %d effects", before, runs.Load(), n)
		}
	})
}

func TestNewKeepsStateInTheFileOfADatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "site.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("CREATE TABLE jobs (title TEXT)"); err != nil {
		t.Fatal(err)
	}
	s, err := New(db)
	if err != nil {
		t.Fatal(err)
	}
	if list, err := s.Jobs().Jobs(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("%d jobs, %v", len(list), err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := db.Ping(); err != nil {
		t.Errorf("the site's own pool: %v", err)
	}
	memory, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	if _, err := New(memory); err == nil || !strings.Contains(err.Error(), "memory.New()") {
		t.Errorf("a database without a file: %v", err)
	}
}

func TestOnlyAFileThatSaysSoRefusesAnOlderProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "site.db")
	for _, c := range []struct {
		set     string
		refused bool
	}{
		{"UPDATE beforehand_schema SET version = version", false},
		{"UPDATE beforehand_schema SET version = 99", false}, // newer, and this program may use it
		{"UPDATE beforehand_schema SET oldest = 99", true},
	} {
		s, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.write(t.Context(), func(c2 *conn) error { return c2.exec(c.set) }); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s, err = Open(path)
		if (err != nil) != c.refused {
			t.Errorf("%s: %v", c.set, err)
		}
		if err == nil {
			s.Close()
		}
	}
}
