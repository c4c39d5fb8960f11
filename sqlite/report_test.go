package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
	"github.com/beforehand-go/beforehand/sqlite"
)

// victim is the report that dies with its process.
func victim(path string) error {
	state, err := sqlite.Open(path)
	if err != nil {
		return err
	}
	ctx := context.Background()
	// A short lease, so that the next victim soon gets what this one held.
	site, err := beforehand.Open(ctx, beforehand.Config{State: state, Scheduler: scheduler.Config{Lease: 2 * time.Second}})
	if err != nil {
		return err
	}
	r := beforehand.New(site, "hot", func(context.Context) ([]string, error) {
		return []string{fmt.Sprint(time.Now().UnixNano()), strings.Repeat("x", 20_000)}, nil
	}, beforehand.Policy{Keep: 3})
	go func() { _ = site.Run(ctx) }()
	for {
		if err := r.Refresh(ctx); err != nil {
			return err
		}
		fmt.Println("refreshed")
	}
}

func TestVictim(t *testing.T) {
	path := os.Getenv("BEFOREHAND_VICTIM")
	if path == "" {
		t.Skip("runs as the process that TestKilledRefresh kills")
	}
	t.Fatal(victim(path))
}

// A process that is killed while it refreshes leaves the last good snapshot,
// whole, and the ledger tells of the same tick.
func TestKilledRefresh(t *testing.T) {
	rounds := 3
	if os.Getenv("BEFOREHAND_PROVE") != "" {
		rounds = 50
	}
	path := filepath.Join(t.TempDir(), "site.db")
	for round := range rounds {
		kill(t, path, round)
		state, err := sqlite.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		s, err := state.Snapshots().Get(t.Context(), snapshot.Key{Report: "hot"}, 0)
		if err != nil || s.Verify() != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		done, err := state.Jobs().Ticks(t.Context(), scheduler.Query{Job: "hot", Outcome: scheduler.Succeeded, Limit: 1})
		if err != nil || len(done) != 1 || !done[0].Due.Equal(s.Tick) || done[0].Fence != s.Fence {
			t.Fatalf("round %d: the snapshot is of %v under fence %d, the ledger's last success %+v, %v", round, s.Tick, s.Fence, done, err)
		}
		// A restart serves it at once.
		site, err := beforehand.Open(t.Context(), beforehand.Config{State: state})
		if err != nil {
			t.Fatal(err)
		}
		r := beforehand.New(site, "hot", func(context.Context) ([]string, error) { return nil, nil }, beforehand.Policy{})
		if v := r.Value(); len(v) != 2 || len(v[1]) != 20_000 {
			t.Fatalf("round %d: value of %d parts", round, len(v))
		}
		if err := state.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// kill starts a victim, waits for some refreshes and kills it in the middle.
func kill(t *testing.T, path string, round int) {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestVictim$", "-test.v")
	c.Env = append(os.Environ(), "BEFOREHAND_VICTIM="+path)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	wanted := 2 + round%3
	var timer sync.Once
	lines := 0
	for s := bufio.NewScanner(out); s.Scan(); {
		if strings.Contains(s.Text(), "refreshed") {
			lines++
		}
		if lines >= wanted {
			timer.Do(func() {
				time.AfterFunc(time.Duration(rand.IntN(40_000))*time.Microsecond, func() { _ = c.Process.Kill() })
			})
		}
	}
	if err := c.Wait(); err == nil || lines < wanted {
		t.Fatalf("the victim ended by itself after %d refreshes: %v", lines, err)
	}
}
