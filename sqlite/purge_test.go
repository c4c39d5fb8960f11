package sqlite_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/sqlite"
)

// BenchmarkPurge purges a ledger of 200,000 rows, the most that is kept of 200
// jobs, after 256 more ticks of each of ten.
func BenchmarkPurge(b *testing.B) {
	state, err := sqlite.Open(filepath.Join(b.TempDir(), "state.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer state.Close()
	store := state.Jobs()
	def := &scheduler.Definition{Trigger: "never"}
	states := make([]*scheduler.State, 200)
	for i := range states {
		states[i] = &scheduler.State{Name: fmt.Sprintf("job-%03d", i), Definition: def, Declared: def, Last: time.Now().UTC().Truncate(time.Microsecond)}
	}
	grow := func(jobs []*scheduler.State, writes, ticks int) {
		for range writes {
			var changes []scheduler.Change
			for _, st := range jobs {
				st.Version++
				c := scheduler.Change{Job: st}
				for range ticks {
					st.Last = st.Last.Add(time.Second)
					c.Ticks = append(c.Ticks, &scheduler.Tick{Job: st.Name, Due: st.Last, Outcome: scheduler.Succeeded, Count: 1, Ended: st.Last, Version: 1})
				}
				changes = append(changes, c)
			}
			stood, err := store.Write(b.Context(), changes)
			if err != nil || stood[0] != nil {
				b.Fatal(err, stood[0])
			}
		}
	}
	keep := scheduler.Retention{Age: 30 * 24 * time.Hour, Count: 1000}
	grow(states, 10, 100)
	if _, err := store.Purge(b.Context(), keep); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		b.StopTimer()
		grow(states[:10], 256, 1)
		b.StartTimer()
		n, err := store.Purge(b.Context(), keep)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(n), "rows")
	}
}
