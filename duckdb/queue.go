package duckdb

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// maxRows is after how many rows a transaction takes no further request.
const maxRows = 200_000

// request asks the writer for one thing; the answer comes on done. One for nothing
// is answered when DuckDB has all that came before.
type request struct {
	batch *pageview.Batch
	do    func(ctx context.Context, w *writer) error // in place of a batch
	bytes int64                                      // that count against the queue's limit
	done  chan error
}

func (r *request) rows() int {
	if r.batch == nil {
		return 0
	}
	return len(r.batch.Pageviews) + len(r.batch.Stays)
}

// queue holds the requests that wait for the writer or are being written. Their
// bytes are bounded.
type queue struct {
	limit  int64
	came   chan struct{} // told of requests, and of the end
	enough chan struct{} // told when as many wait as want says

	mu      sync.Mutex
	waiting []request
	bytes   int64
	closed  bool
	want    int           // how many are likely to come; zero means that nobody waits for them
	began   time.Time     // when the last group was taken
	likely  int           // how many are likely to come for the next one
	took    time.Duration // how long it took to commit
}

func newQueue(limit int64) *queue {
	return &queue{limit: limit, came: make(chan struct{}, 1), enough: make(chan struct{}, 1)}
}

// put queues a request, unless there is no room for it now. One that is larger
// than the limit is taken while nothing else is there.
func (q *queue) put(r request) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return pageview.ErrClosed
	case r.bytes > 0 && q.bytes > 0 && q.bytes+r.bytes > q.limit:
		return pageview.ErrBusy
	}
	q.bytes += r.bytes
	q.waiting = append(q.waiting, r)
	wake(q.came)
	if len(q.waiting) == q.want {
		wake(q.enough)
	}
	return nil
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// take waits for requests and gives those of the next transaction. It gives
// none when the queue was closed and is empty.
func (q *queue) take() []request {
	for range q.came {
		q.gather()
		q.mu.Lock()
		n, rows := 0, 0
		for n < len(q.waiting) && (n == 0 || rows < maxRows) {
			rows += q.waiting[n].rows()
			n++
		}
		group := q.waiting[:n:n]
		q.waiting = q.waiting[n:]
		if len(q.waiting) > 0 || q.closed {
			wake(q.came)
		}
		ended := q.closed && n == 0
		q.began = time.Now()
		q.mu.Unlock()
		if n > 0 || ended {
			return group
		}
	}
	return nil
}

// maxGather is how long a group waits at most for those who are likely to come.
const maxGather = 4 * time.Millisecond

// gather lets those who were just answered send again, and join those who came
// while their group was written: otherwise the senders part into two halves, of
// which each waits for the other's transaction, and a transaction costs nearly
// the same however many it keeps. It waits until all of them are there, for at
// most half of what the last commit took, and then for as long as some come at
// once. A sender that is alone waits for nobody.
func (q *queue) gather() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if patience := min(q.took/2, maxGather); len(q.waiting) < q.likely && patience > 0 && !q.closed {
		q.want = q.likely
		q.mu.Unlock()
		t := time.NewTimer(patience)
		select {
		case <-q.enough:
		case <-t.C:
		}
		t.Stop()
		q.mu.Lock()
		q.want = 0
		select {
		case <-q.enough: // told too late
		default:
		}
	}
	for {
		n := len(q.waiting)
		q.mu.Unlock()
		runtime.Gosched()
		q.mu.Lock()
		if len(q.waiting) == n || n >= maxRows {
			return
		}
	}
}

// release makes room for others when a group was committed.
func (q *queue) release(group []request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range group {
		q.bytes -= r.bytes
	}
	q.took, q.likely = time.Since(q.began), len(group)+len(q.waiting)
}

// close refuses what comes from now on.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	wake(q.came)
	wake(q.enough)
}
