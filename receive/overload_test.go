package receive_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/receive"
)

// narrow is a store that writes few batches at once and refuses the others.
type narrow struct {
	*keeper
	room chan struct{}
}

func (n *narrow) Append(ctx context.Context, b pageview.Batch) error {
	select {
	case n.room <- struct{}{}:
		defer func() { <-n.room }()
		return n.keeper.Append(ctx, b)
	default:
		return pageview.ErrBusy
	}
}

// TestOverloadIsRefused sends far more than the store takes: each sender is
// told the truth, and may come back.
func TestOverloadIsRefused(t *testing.T) {
	var n *narrow
	w := newWays(t, func(c *receive.Config) {
		n = &narrow{c.Store.(*keeper), make(chan struct{}, 1)}
		c.Store = n
	})
	var taken, refused atomic.Int64
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			for j := range 20 {
				rec := w.ask(http.MethodPost, "/b.js", fmt.Sprintf(`{"u":"https://blog.example/%d/%d"}`, i, j))
				switch {
				case rec.Code == http.StatusNoContent:
					taken.Add(1)
				case rec.Code == http.StatusServiceUnavailable && rec.Header().Get("Retry-After") != "":
					refused.Add(1)
				default:
					t.Errorf("%d %s", rec.Code, rec.Body)
				}
			}
		})
	}
	wg.Wait()
	if kept := int64(len(w.pageviews())); kept != taken.Load() || taken.Load()+refused.Load() != 4000 {
		t.Errorf("%d acknowledged, %d refused, %d kept", taken.Load(), refused.Load(), kept)
	}
	t.Logf("%d acknowledged, %d refused", taken.Load(), refused.Load())
}

// TestRequestsUnderWayShareMemory holds requests that do not say how long they
// are to the memory there is, and to giving it back.
func TestRequestsUnderWayShareMemory(t *testing.T) {
	w := newAPI(t)
	send := func(body io.Reader) int {
		req := httptest.NewRequest(http.MethodPost, "/api/v1/pageviews", body)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer blog")
		req.ContentLength = -1
		rec := httptest.NewRecorder()
		w.ServeHTTP(rec, req)
		return rec.Code
	}
	var writers []*io.PipeWriter
	answers := make(chan int)
	for range 3 { // each may become 16 MiB
		r, out := io.Pipe()
		writers = append(writers, out)
		go func() { answers <- send(r) }()
		fmt.Fprint(out, `[`) // it is being read
	}
	r, out := io.Pipe()
	out.Close()
	if code := send(r); code != http.StatusServiceUnavailable {
		t.Errorf("a fourth: %d", code)
	}
	for _, out := range writers {
		fmt.Fprint(out, `{"path":"/a"}]`)
		out.Close()
		if code := <-answers; code != http.StatusOK {
			t.Errorf("one of three: %d", code)
		}
	}
	r, out = io.Pipe()
	go func() {
		fmt.Fprint(out, `{"path":"/b"}`)
		out.Close()
	}()
	if code := send(r); code != http.StatusOK {
		t.Errorf("afterwards: %d", code)
	}
}
