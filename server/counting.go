package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/beforehand-go/beforehand/report"
)

const (
	// countsHeld is how many answers to filtered questions are held.
	countsHeld = 200
	// countLasts is how old one gets before it is counted anew for who asks.
	countLasts = time.Minute
	// countTimeout is how long counting one may take.
	countTimeout = 30 * time.Second
)

var (
	errBusy     = errors.New("too many questions are being counted")
	errNotBegun = errors.New("the server does not run")
)

// counting answers questions that nobody could know beforehand. Each is counted
// once for all who ask, on one of the places that all questions share, and its
// answer held for a while. Whoever waits can give up: the answer is there for the
// next.
type counting struct {
	server *Server

	mu   sync.Mutex
	held map[string]*count
}

// count is a question's answer, or the counting of it.
type count struct {
	ended  chan struct{} // closed when the first counting has ended
	answer *report.Answer
	err    error
	asOf   time.Time
	took   time.Duration
	under  bool // it is being counted
	read   time.Time
}

// begin has a question counted unless its answer is held, and returns it or what
// is becoming of it.
func (c *counting) begin(q report.Question) (*count, error) {
	key := fmt.Sprintf("%+v %v %s %s %s", q.Query, q.Zone, q.Compare, q.FormerFrom, q.FormerTo)
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	n, ok := c.held[key]
	if !ok {
		if len(c.held) >= countsHeld && !c.evict() {
			return nil, errBusy
		}
		n = &count{ended: make(chan struct{})}
	}
	n.read = now
	if n.under || ok && now.Sub(n.asOf) < max(countLasts, freshShare*n.took) {
		return n, nil
	}
	if !c.server.background.do(func(ctx context.Context) { c.count(ctx, q, n) }) {
		return nil, errNotBegun
	}
	n.under = true
	c.held[key] = n
	return n, nil
}

// evict lets go of the answer that was read longest ago, if there is one that is
// not being counted. The caller holds mu.
func (c *counting) evict() bool {
	var oldest string
	for key, n := range c.held {
		if !n.under && (oldest == "" || n.read.Before(c.held[oldest].read)) {
			oldest = key
		}
	}
	delete(c.held, oldest)
	return oldest != ""
}

// count counts.
func (c *counting) count(ctx context.Context, q report.Question, n *count) {
	var a *report.Answer
	var began time.Time
	err := c.server.answering(ctx, func() (err error) {
		began = time.Now()
		ctx, cancel := context.WithTimeout(ctx, countTimeout)
		defer cancel()
		a, err = c.server.ask(ctx, q)
		return err
	})
	if err != nil && ctx.Err() == nil {
		c.server.Logger.Warn("count for a dashboard", "site", q.Site, "by", fmt.Sprint(q.By), "error", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	first := n.asOf.IsZero()
	n.under, n.asOf, n.took = false, time.Now(), time.Since(cmp.Or(began, time.Now()))
	if err == nil || first { // what was there before is better than nothing
		n.answer, n.err = a, err
	}
	if first {
		close(n.ended)
	}
}

// await waits for a question's first answer until ctx ends; nil means that it is
// not there yet.
func (c *counting) await(ctx context.Context, n *count) *count {
	select {
	case <-n.ended:
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if n.asOf.IsZero() {
		return nil
	}
	return &count{answer: n.answer, err: n.err, asOf: n.asOf, took: n.took}
}

// answering calls f when it is its turn to ask the store.
func (s *Server) answering(ctx context.Context, f func() error) error {
	select {
	case s.asking <- struct{}{}:
		defer func() { <-s.asking }()
		return f()
	case <-ctx.Done():
		return ctx.Err()
	}
}
