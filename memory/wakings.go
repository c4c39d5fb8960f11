package memory

import (
	"cmp"
	"slices"
)

// A waking is an instant, in microseconds, at which the job at a place is to be
// looked at.
type waking struct {
	at    int64
	place int32
}

// compare is the order of wakings: jobs due at one instant come as they lie in
// memory.
func (w waking) compare(o waking) int {
	return cmp.Or(cmp.Compare(w.at, o.at), cmp.Compare(w.place, o.place))
}

func (w waking) before(o waking) bool { return w.at < o.at || w.at == o.at && w.place < o.place }

// wakings has the waking of each job, and others that were replaced and are left
// out where they turn up. Those to come are a heap, each with four below it; those
// that were found to have come are a list.
type wakings struct {
	heap  []waking
	come  []waking // in order
	holds func(waking) bool
}

// add adds the waking of a job in place of another; there are so many jobs.
func (w *wakings) add(one waking, jobs int) {
	if len(w.heap) > 2*jobs {
		w.tidy()
	}
	w.heap = append(w.heap, one)
	i := len(w.heap) - 1
	for ; i > 0 && one.before(w.heap[(i-1)/4]); i = (i - 1) / 4 {
		w.heap[i] = w.heap[(i-1)/4]
	}
	w.heap[i] = one
}

// tidy leaves out what was replaced: a list in order is a heap.
func (w *wakings) tidy() {
	w.heap = w.held(w.heap)
	slices.SortFunc(w.heap, waking.compare)
	w.heap = slices.Compact(w.heap)
}

// held are those of a list that hold, in its room.
func (w *wakings) held(list []waking) []waking {
	return slices.DeleteFunc(list, func(one waking) bool { return !w.holds(one) })
}

// remove takes the first out of the heap.
func (w *wakings) remove() {
	end := len(w.heap) - 1
	last := w.heap[end]
	w.heap = w.heap[:end]
	if end == 0 {
		return
	}
	i := 0
	for {
		first := 4*i + 1
		if first >= end {
			break
		}
		least := first
		for c := first + 1; c < min(first+4, end); c++ {
			if w.heap[c].before(w.heap[least]) {
				least = c
			}
		}
		if last.before(w.heap[least]) {
			break
		}
		w.heap[i] = w.heap[least]
		i = least
	}
	w.heap[i] = last
}

// due calls f with the places of the jobs whose instant has come, earliest
// first, until it wants no more. It returns the earliest instant to come, never
// if there is none or it was not seen.
func (w *wakings) due(now int64, f func(place int32) bool) int64 {
	w.come = w.held(w.come)
	for i := 0; ; {
		if len(w.heap) > 0 && (i == len(w.come) || w.heap[0].before(w.come[i])) {
			first := w.heap[0]
			holds := w.holds(first) && (i == 0 || w.come[i-1] != first)
			if holds && first.at > now {
				return first.at
			}
			if w.remove(); holds {
				w.come = slices.Insert(w.come, i, first)
			}
			continue
		}
		switch {
		case i == len(w.come):
			return never
		case w.come[i].at > now: // the clock was set back
			return w.come[i].at
		case !f(w.come[i].place):
			return never
		}
		i++
	}
}
