package memory

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Whatever is set, taken out and looked at, in whichever order, what is due comes
// in order and once, as it would from a list that is sorted each time.
func TestWakingsComeInOrder(t *testing.T) {
	const places = 100
	rng := rand.New(rand.NewPCG(1, 2))
	at := map[int32]int64{}
	w := wakings{holds: func(w waking) bool { instant, ok := at[w.place]; return ok && instant == w.at }}
	for step := range 20_000 {
		place, instant := 1+rng.Int32N(places-1), rng.Int64N(50)
		if rng.IntN(5) == 0 {
			delete(at, place)
		} else if one := (waking{instant, place}); !w.holds(one) {
			at[place] = instant
			w.add(one, places)
		}
		if n := len(w.heap); n > 2*places+1 {
			t.Fatalf("step %d: %d wakings of %d jobs", step, n, places)
		}
		if rng.IntN(3) > 0 {
			continue
		}
		var all []waking
		for p, i := range at {
			all = append(all, waking{i, p})
		}
		slices.SortFunc(all, waking.compare)
		now, limit := rng.Int64N(60), rng.IntN(places)
		n, want := slices.IndexFunc(all, func(w waking) bool { return w.at > now }), never
		if n < 0 {
			n = len(all)
		} else if n <= limit {
			want = all[n].at
		}
		var got []int32
		next := w.due(now, func(place int32) bool {
			got = append(got, place)
			return len(got) <= limit
		})
		for i, p := range got {
			if p != all[i].place {
				t.Fatalf("step %d: %v of %v", step, got, all)
			}
		}
		if len(got) != min(n, limit+1) || next != want {
			t.Fatalf("step %d: %d came and the next at %d, want %d and %d", step, len(got), next, min(n, limit+1), want)
		}
	}
}
