package memory

// A waking is a job's place in the heap: the instant at which it is to be
// looked at, in microseconds.
type waking struct {
	at  int64
	job *job
}

// settle brings a job to its place in the heap after its instant has changed,
// or takes it out when it does not want to be looked at.
func (s *Jobs) settle(j *job, at int64) {
	switch {
	case at == never:
		s.takeOut(j)
	case j.at < 0:
		s.wake = append(s.wake, waking{})
		s.sift(int32(len(s.wake)-1), waking{at, j})
	case s.wake[j.at].at != at:
		s.sift(j.at, waking{at, j})
	}
}

func (s *Jobs) takeOut(j *job) {
	if j.at < 0 {
		return
	}
	i, end := j.at, int32(len(s.wake)-1)
	last := s.wake[end]
	s.wake[end] = waking{}
	s.wake = s.wake[:end]
	if i < end {
		s.sift(i, last)
	}
	j.at = -1
}

// sift moves what is above or below a free place into it until w fits there.
func (s *Jobs) sift(i int32, w waking) {
	put := func(i int32, w waking) { s.wake[i], w.job.at = w, i }
	for i > 0 && w.at < s.wake[(i-1)/2].at {
		put(i, s.wake[(i-1)/2])
		i = (i - 1) / 2
	}
	for c := 2*i + 1; int(c) < len(s.wake); c = 2*i + 1 {
		if int(c+1) < len(s.wake) && s.wake[c+1].at < s.wake[c].at {
			c++
		}
		if w.at <= s.wake[c].at {
			break
		}
		put(i, s.wake[c])
		i = c
	}
	put(i, w)
}

// earliest calls f with jobs in the order of their instants until it wants no
// more. It walks the top of the heap best first, without taking it apart.
func (s *Jobs) earliest(f func(waking) bool) {
	s.edge = s.edge[:0]
	if len(s.wake) > 0 {
		s.pushEdge(0)
	}
	for len(s.edge) > 0 {
		i := s.popEdge()
		if !f(s.wake[i]) {
			return
		}
		for c := 2*i + 1; c <= 2*i+2 && int(c) < len(s.wake); c++ {
			s.pushEdge(c)
		}
	}
}

// pushEdge and popEdge keep a small heap of places in the large one.
func (s *Jobs) pushEdge(place int32) {
	e, at := append(s.edge, place), s.wake[place].at
	i := len(e) - 1
	for i > 0 && at < s.wake[e[(i-1)/2]].at {
		e[i] = e[(i-1)/2]
		i = (i - 1) / 2
	}
	e[i] = place
	s.edge = e
}

func (s *Jobs) popEdge() int32 {
	top, last := s.edge[0], s.edge[len(s.edge)-1]
	e := s.edge[:len(s.edge)-1]
	i := 0
	for c := 1; c < len(e); c = 2*i + 1 {
		if c+1 < len(e) && s.wake[e[c+1]].at < s.wake[e[c]].at {
			c++
		}
		if s.wake[last].at <= s.wake[e[c]].at {
			break
		}
		e[i] = e[c]
		i = c
	}
	if len(e) > 0 {
		e[i] = last
	}
	s.edge = e
	return top
}
