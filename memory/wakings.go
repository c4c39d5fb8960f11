package memory

import "slices"

// A waking is an instant, in microseconds, at which the job at a place is to be
// looked at.
type waking struct {
	at    int64
	place int32
}

// before is the order of wakings: jobs due at one instant come as they lie in
// memory.
func (w waking) before(o waking) bool { return w.at < o.at || w.at == o.at && w.place < o.place }

// wakings has one waking of each job at most. Those to come are a heap, each
// with four below it; those that were found to have come are a list, from which
// they are taken without a search.
type wakings struct {
	heap  []waking
	come  []waking // in order; what was taken out has no place
	taken int      // how many were
	where []int32  // by place: 1 is the first of the heap, -1 the first of the list
}

// at is the instant of the job at a place, never if it has none.
func (w *wakings) at(place int32) int64 {
	switch i := w.where[place]; {
	case i > 0:
		return w.heap[i-1].at
	case i < 0:
		return w.come[-i-1].at
	}
	return never
}

// set changes the instant of the job at a place.
func (w *wakings) set(place int32, at int64) {
	i := w.where[place]
	switch {
	case i > 0 && at == never:
		w.where[place] = 0
		w.remove(i - 1)
		return
	case i > 0:
		if w.heap[i-1].at != at {
			w.sift(i-1, waking{at, place})
		}
		return
	case i < 0 && w.come[-i-1].at == at:
		return
	case i < 0:
		w.come[-i-1].place = 0
		w.taken++
		w.where[place] = 0
	}
	if at != never {
		w.heap = append(w.heap, waking{})
		w.sift(int32(len(w.heap)-1), waking{at, place})
	}
}

// remove takes one out of the heap.
func (w *wakings) remove(i int32) {
	end := int32(len(w.heap) - 1)
	last := w.heap[end]
	if w.heap = w.heap[:end]; i < end {
		w.sift(i, last)
	}
}

// sift moves what is above or below a free place of the heap into it until one
// fits there.
func (w *wakings) sift(i int32, one waking) {
	put := func(i int32, one waking) { w.heap[i], w.where[one.place] = one, i+1 }
	for i > 0 && one.before(w.heap[(i-1)/4]) {
		put(i, w.heap[(i-1)/4])
		i = (i - 1) / 4
	}
	for {
		first := 4*i + 1
		if int(first) >= len(w.heap) {
			break
		}
		least := first
		for c := first + 1; c < first+4 && int(c) < len(w.heap); c++ {
			if w.heap[c].before(w.heap[least]) {
				least = c
			}
		}
		if one.before(w.heap[least]) {
			break
		}
		put(i, w.heap[least])
		i = least
	}
	put(i, one)
}

// due calls f with the places of the jobs whose instant has come, earliest
// first, until it wants no more. It returns the earliest instant to come, never
// if there is none or it was not seen.
func (w *wakings) due(now int64, f func(place int32) bool) int64 {
	w.close()
	for i := 0; ; i++ {
		if len(w.heap) > 0 && (i == len(w.come) || w.heap[0].before(w.come[i])) {
			first := w.heap[0]
			if first.at > now {
				return first.at
			}
			w.remove(0)
			w.come = slices.Insert(w.come, i, first)
			for k := i; k < len(w.come); k++ {
				w.where[w.come[k].place] = int32(-k - 1)
			}
		}
		switch {
		case i == len(w.come):
			return never
		case w.come[i].at > now: // the clock was set back
			return w.come[i].at
		case !f(w.come[i].place):
			return never
		}
	}
}

// close leaves out of the list what was taken out.
func (w *wakings) close() {
	if w.taken == 0 {
		return
	}
	kept := w.come[:0]
	for _, c := range w.come {
		if c.place != 0 {
			kept = append(kept, c)
			w.where[c.place] = int32(-len(kept))
		}
	}
	w.come, w.taken = kept, 0
}
