package scheduler

import "slices"

// A line is runs in the order in which they came.
type line struct {
	runs []*Run
	left int // so many at the beginning have
}

func (l *line) len() int { return len(l.runs) - l.left }

func (l *line) first() *Run { return l.runs[l.left] }

// add puts a run last.
func (l *line) add(r *Run) {
	if n := len(l.runs); n == cap(l.runs) && l.left > n/2 {
		l.runs, l.left = slices.Delete(l.runs, 0, l.left), 0
	}
	l.runs = append(l.runs, r)
}

// take returns the first run, which leaves.
func (l *line) take() *Run {
	r := l.first()
	l.runs[l.left] = nil
	if l.left++; l.left == len(l.runs) {
		l.runs, l.left = l.runs[:0], 0
	}
	return r
}

// leave lets a run leave, and tells whether it was there.
func (l *line) leave(r *Run) bool {
	i := slices.Index(l.runs, r)
	if i >= 0 {
		l.runs = slices.Delete(l.runs, i, i+1)
	}
	return i >= 0
}
