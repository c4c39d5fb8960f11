package snapshot

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Sixty-four readers at full speed while another snapshot is swapped in every
// ten milliseconds: the tag, the length and the body of an answer belong
// together, and no answer is older than one before it.
func TestServedDuringSwaps(t *testing.T) {
	long := time.Second
	if os.Getenv("BEFOREHAND_PROVE") != "" {
		long = time.Minute
	}
	result := func(n int) *Served {
		text := fmt.Sprintf(`{"n":%08d,"fill":"%s"}`, n, strings.Repeat("x", 500+n%97))
		files, err := Build([]Format{{Name: "json", Body: []byte(text)}}, nil, nil, time.Now())
		if err != nil {
			t.Error(err)
		}
		return Prepare(Snapshot{Version: int64(n), Files: files}, State{}, Rules{})
	}
	var served atomic.Pointer[Served]
	served.Store(result(1))
	// A machine that is busy otherwise gets longer for the same proof.
	enough := time.Now().Add(long)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var reads atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			r := httptest.NewRequest("GET", "/hot.json", nil)
			last := 0
			for ctx.Err() == nil {
				runtime.Gosched() // a reader over a network waits for it too
				w := httptest.NewRecorder()
				served.Load().ServeHTTP(w, r)
				reads.Add(1)
				body := w.Body.Bytes()
				var n int
				_, err := fmt.Sscanf(w.Body.String(), `{"n":%08d`, &n)
				tagged := w.Header().Get("ETag") == `"`+tag("application/json", "", body)+`"`
				if err != nil || w.Code != http.StatusOK || n < last || !tagged || w.Header().Get("Content-Length") != fmt.Sprint(len(body)) {
					t.Errorf("%d, %d after %d, tag right: %t, %d bytes: %v", w.Code, n, last, tagged, len(body), err)
					return
				}
				last = n
			}
		})
	}
	swaps := 0
	for tick := time.NewTicker(10 * time.Millisecond); swaps < 20 || reads.Load() < 1000 || time.Now().Before(enough); <-tick.C {
		swaps++
		served.Store(result(swaps + 1))
	}
	cancel()
	wg.Wait()
	t.Logf("%d reads during %d swaps", reads.Load(), swaps)
}
