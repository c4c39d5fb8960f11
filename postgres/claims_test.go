package postgres_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/beforehand-go/beforehand/internal/pgtest"
	"github.com/beforehand-go/beforehand/pageview"
)

// Of many who claim the same requests at once each request has one holder, who
// has it also when asked again.
func TestClaim(t *testing.T) {
	state := openState(t, pgtest.Start(t, "fsync=off").Database(t))
	var keys []pageview.Key
	for i := range 100 {
		keys = append(keys, pageview.Key{Token: "t", Name: fmt.Sprint(i), Digest: [32]byte{byte(i)}})
	}
	for range 2 {
		var got atomic.Int64
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				others, err := state.Claim(t.Context(), fmt.Sprint("block ", i), keys)
				if err != nil {
					t.Error(err)
				}
				got.Add(int64(len(keys) - len(others)))
			})
		}
		all.Wait()
		if got.Load() != int64(len(keys)) {
			t.Errorf("%d requests have %d holders", len(keys), got.Load())
		}
	}
	other := keys[0]
	other.Digest = [32]byte{0xff}
	if others, err := state.Claim(t.Context(), "late", []pageview.Key{other, keys[0]}); err != nil || len(others) != 1 || others[0] != keys[0] {
		t.Errorf("the same key with another body is another request: %v, %v", others, err)
	}
}
