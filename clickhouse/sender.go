package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/beforehand-go/beforehand/clickhouse/spool"
	"github.com/beforehand-go/beforehand/pageview"
)

const (
	// blockRows is about how many rows are sent together at most.
	blockRows = 100_000
	// The pause after a block that could not be sent.
	firstPause = 100 * time.Millisecond
	mostPause  = 10 * time.Second
)

// sender has one goroutine that sends what waits in the spool, block by block.
type sender struct {
	s    *Store
	some chan struct{} // told when something came
	now  chan struct{} // told when somebody waits for it

	mu      sync.Mutex
	sent    int64         // id of the group up to which all are sent
	moved   chan struct{} // closed when sent has grown
	err     error         // of the last try; nil after one that succeeded
	refused map[int64]error
}

func newSender(s *Store) *sender {
	return &sender{
		s: s, some: make(chan struct{}, 1), now: make(chan struct{}, 1),
		moved: make(chan struct{}), refused: map[int64]error{},
	}
}

// came tells the sender that something waits.
func (n *sender) came() { wake(n.some) }

// flush has everything sent up to a group, and waits for that.
func (n *sender) flush(ctx context.Context, last int64) error {
	for {
		n.mu.Lock()
		sent, moved := n.sent, n.moved
		n.mu.Unlock()
		if sent >= last {
			return nil
		}
		wake(n.now)
		select {
		case <-moved:
		case <-ctx.Done():
			n.mu.Lock()
			defer n.mu.Unlock()
			return errors.Join(ctx.Err(), n.err)
		case <-n.s.life.Done():
			return pageview.ErrClosed
		}
	}
}

// refusal is why a group alone in its block was not kept after all. It is told
// once.
func (n *sender) refusal(last int64) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	err := n.refused[last]
	delete(n.refused, last)
	return err
}

// reached notes up to which group all are sent.
func (n *sender) reached(last int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.err = nil
	if last > n.sent {
		n.sent = last
		close(n.moved)
		n.moved = make(chan struct{})
	}
}

// trouble is why the last try to send has failed; nil when it has not.
func (n *sender) trouble() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.err
}

// run sends until the store is closed.
func (n *sender) run() {
	ctx := n.s.life
	for ctx.Err() == nil {
		if !n.drain(ctx) {
			return
		}
		select { // what comes alone waits for more, unless somebody wants it
		case <-n.some:
			select {
			case <-n.now:
			case <-time.After(n.s.config.Every):
			case <-ctx.Done():
			}
		case <-n.now:
		case <-ctx.Done():
		}
	}
}

// drain sends all that waits. It tries again for as long as it takes.
func (n *sender) drain(ctx context.Context) bool {
	for ctx.Err() == nil {
		last := n.s.spool.Last()
		b, found, err := n.s.spool.Block(ctx, n.s.clock(), blockRows)
		switch {
		case err != nil:
			n.failed(ctx, err, firstPause)
			continue
		case !found:
			n.reached(last)
			return true
		}
		if !n.send(ctx, b) {
			return false
		}
	}
	return false
}

// send sends a block until it is known to be sent. It tells whether it is.
func (n *sender) send(ctx context.Context, b spool.Block) bool {
	for pause := firstPause; ; pause = min(2*pause, mostPause) {
		err := n.s.deliver(ctx, &b)
		if moved := (movedError{}); errors.As(err, &moved) {
			n.mu.Lock()
			n.refused[b.Last] = moved.error
			n.mu.Unlock()
			n.s.config.Logger.Warn("pageviews were read by somebody else meanwhile and are let go", "block", b.Number, "error", err)
			err = nil
		}
		if err == nil {
			err = n.s.spool.Done(ctx, b)
		}
		if err == nil {
			n.reached(b.Last)
			return true
		}
		b.Again = true
		if !n.failed(ctx, fmt.Errorf("send block %d: %w", b.Number, err), pause) {
			return false
		}
	}
}

// failed notes an error, tells of the first of several, and waits.
func (n *sender) failed(ctx context.Context, err error, pause time.Duration) bool {
	n.mu.Lock()
	first := n.err == nil
	n.err = err
	n.mu.Unlock()
	if first && ctx.Err() == nil {
		n.s.config.Logger.Warn("pageviews wait in the spool", "error", err)
	}
	select {
	case <-time.After(pause):
		return true
	case <-ctx.Done():
		return false
	}
}
