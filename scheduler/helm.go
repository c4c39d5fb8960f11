package scheduler

import (
	"context"
	"time"
)

const (
	// stint is how long the loop's own goroutine may be expected to call
	// functions before others are hired for them.
	stint = 400 * time.Microsecond
	// patience is how long a function may keep it in fact.
	patience = time.Millisecond
)

// The helm is with the goroutine that makes the loop's steps. After each it calls
// functions itself, as long as they are short: waking up another goroutine costs
// more than they do. A function that keeps it for longer than expected keeps the
// goroutine, as it would any worker's, but not the helm: another one takes over.
// The fields are guarded by the scheduler's mutex.
type helm struct {
	watch   *time.Timer // relieves it
	armed   bool
	turn    int // counts the times it called functions
	watched int // that of them which must not last too long
}

// help calls the functions of runs that wait for room, or has them called by
// others, and tells whether the helm is still with this goroutine.
func (l *loop) help(ctx context.Context) bool {
	l.mu.Lock()
	n := l.queue.len()
	if n == 0 || l.stopping || l.hiring || l.busy >= l.cfg.MaxRuns || time.Duration(n)*l.pace > stint {
		l.hire()
		l.mu.Unlock()
		return true
	}
	l.busy++
	l.turn++
	l.alone = true
	turn := l.turn
	if !l.armed {
		l.arm()
	}
	l.mu.Unlock()
	back := false
	defer func() {
		if !back && l.keep(turn) { // runtime.Goexit takes this goroutine down
			go l.loop(ctx)
		}
	}()
	l.work(nil, nil)
	back = true
	return l.keep(turn)
}

// arm watches the turn that begins. The mutex is held.
func (l *loop) arm() {
	l.armed, l.watched = true, l.turn
	l.watch.Reset(patience)
}

// keep ends a turn, and tells whether the helm was not lost meanwhile.
func (l *loop) keep(turn int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.alone || l.turn != turn {
		return false
	}
	l.alone = false
	if l.queue.len() == 0 && l.armed && !l.full {
		l.armed = !l.watch.Stop()
	}
	return true
}

// relieve takes the helm when the turn that is watched has not ended.
func (l *loop) relieve(ctx context.Context) {
	l.mu.Lock()
	l.armed = false
	late := l.alone && l.turn == l.watched
	switch {
	case late:
		l.alone = false
		l.hire()
	case l.alone:
		l.arm()
	}
	l.mu.Unlock()
	if late {
		l.loop(ctx)
	}
}

// waiting is how many runs wait for room.
func (l *loop) waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.queue.len()
}
