package snapshot

import (
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

func TestTallyCountsFromManyGoroutines(t *testing.T) {
	var tally Tally
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range 1000 {
				tally.Count(2*time.Second, 3*time.Nanosecond)
			}
		})
	}
	wg.Wait()
	if got, want := tally.Sum(), (Waiting{50_000, 100_000e6, 150_000}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestTallyCountsWhoGetsTheSnapshot(t *testing.T) {
	tally := &Tally{}
	s := served(t, Rules{Tally: tally})
	s.snapshot.Took = time.Second
	tag := ask(s, "GET", "/hot.json").Header.Get("ETag")
	ask(s, "GET", "/hot.json", "If-None-Match", tag)
	for _, method := range []string{"HEAD", "OPTIONS", "POST"} {
		ask(s, method, "/hot.json")
	}
	ask(s, "GET", "/hot.pdf")
	ask(s, "GET", "/hot.json", "If-Match", `"other"`)
	ask(Prepare(Snapshot{}, State{}, Rules{Tally: tally}), "GET", "/hot.json")
	if got := tally.Sum(); got.Reads != 2 || got.Would != 2e6 || got.Did <= 0 {
		t.Errorf("%+v", got)
	}
}

// BenchmarkTally is what counting adds to an answer.
func BenchmarkTally(b *testing.B) {
	for name, tally := range map[string]*Tally{"counted": {}, "not": nil} {
		s := served(b, Rules{Tally: tally})
		b.Run(name, func(b *testing.B) {
			w := &nothing{h: map[string][]string{}}
			r := httptest.NewRequest("GET", "/hot.json", nil)
			for b.Loop() {
				s.ServeHTTP(w, r)
			}
		})
	}
}
