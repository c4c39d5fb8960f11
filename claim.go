package beforehand

import (
	"context"
	"errors"
	"time"

	"github.com/beforehand-go/beforehand/snapshot"
)

// A claim is the right to compute one of a family; of the processes that share
// a state one has it at a time. It is a held version without files. The state
// takes a version only from whoever has seen the newest, so of all who claim
// one wins, and a result whose claim was taken over is refused.

// What a held version of a family says.
const (
	claimed  = "being computed"
	gaveUp   = "could not be computed"
	released = "let go"
)

// claimLease is how long a claim may stand still, on the clock of whoever
// watches it, before it counts as left behind. Its holder puts it anew three
// times as often.
const claimLease = 15 * time.Second

var (
	// errClaimed says that another process computes the same.
	errClaimed = errors.New("another process computes it")
	// errElsewhere is for those who waited for a computation that failed.
	errElsewhere = errors.New("another process could not compute it")
)

// await returns once no other process computes one: whether it has to be
// computed, and the newest version, over which it is to be claimed.
func (f *Family[P, T]) await(ctx context.Context, o *one[P, T]) (needed bool, newest int64, err error) {
	var moved time.Time // when the newest version was first seen
	for first := true; ; first = false {
		changed := o.c.wait()
		// First the head: a result that comes after it is then loaded, or
		// stands in the way of the claim.
		head, err := o.c.newestKept(ctx)
		if err == nil {
			err = o.c.load(ctx)
		}
		if err != nil || !f.old(o.c.served.Load().Snapshot()) {
			return false, 0, err
		}
		if head.Version != newest || first {
			newest, moved = head.Version, time.Now()
		}
		switch {
		case !first && head.Held == gaveUp:
			return false, 0, errElsewhere
		case head.Held != claimed, time.Since(moved) >= claimLease:
			return true, newest, nil
		}
		timer := time.NewTimer(min(f.site.poll, claimLease/5))
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false, 0, ctx.Err()
		}
		timer.Stop()
	}
}

// claim claims over the newest version, and goes on claiming until end is
// called, which returns the version over which the result is to be put. The
// context that is returned ends with errClaimed if the claim is lost.
func (c *core) claim(ctx context.Context, newest int64) (held context.Context, end func() int64, err error) {
	version, err := c.mark(ctx, newest, claimed)
	if err != nil {
		return nil, nil, err
	}
	held, lose := context.WithCancelCause(ctx)
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(claimLease / 3)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-stop:
				return
			case <-ctx.Done():
				return
			}
			v, err := c.mark(ctx, version, claimed)
			if err == nil {
				version = v
			} else if errors.Is(err, errClaimed) {
				lose(err)
				return
			}
		}
	}()
	return held, func() int64 {
		close(stop)
		<-ended
		lose(nil)
		return version
	}, nil
}

// mark puts a held version over the newest and returns its number, errClaimed
// if that is no longer the newest.
func (c *core) mark(ctx context.Context, newest int64, what string) (int64, error) {
	s, err := c.site.state.Snapshots().Put(ctx, snapshot.Snapshot{
		Key: c.key(), Base: newest, Keep: 1, Definition: c.definition, ComputedAt: time.Now().UTC(), Held: what,
	})
	if errors.Is(err, snapshot.ErrLate) {
		return 0, errClaimed
	}
	return s.Version, err
}

// unclaim tells those who wait for a claim that no result will come of it.
func (c *core) unclaim(ctx context.Context, version int64) {
	what := gaveUp
	if ctx.Err() != nil { // the site stops: no fault of the computation
		what = released
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if _, err := c.mark(ctx, version, what); err != nil && !errors.Is(err, errClaimed) {
		c.site.log.Warn("claim left to stand still", "report", c.name, "params", c.params, "error", err)
	}
}
