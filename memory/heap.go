package memory

// less orders jobs by when they are to be looked at.
func (s *Jobs) less(i, j int32) bool {
	return s.wake[i].state.Wake.Before(s.wake[j].state.Wake)
}

func (s *Jobs) swap(i, j int32) {
	s.wake[i], s.wake[j] = s.wake[j], s.wake[i]
	s.wake[i].at, s.wake[j].at = i, j
}

// settle brings a job to its place in the heap after its state has changed, or
// takes it out when it does not want to be looked at.
func (s *Jobs) settle(j *job) {
	if j.state.Wake.IsZero() {
		s.takeOut(j)
		return
	}
	if j.at < 0 {
		j.at = int32(len(s.wake))
		s.wake = append(s.wake, j)
	}
	s.down(s.up(j.at))
}

func (s *Jobs) takeOut(j *job) {
	if j.at < 0 {
		return
	}
	i, last := j.at, int32(len(s.wake)-1)
	s.swap(i, last)
	s.wake[last] = nil
	s.wake = s.wake[:last]
	j.at = -1
	if i < last {
		s.down(s.up(i))
	}
}

func (s *Jobs) up(i int32) int32 {
	for i > 0 && s.less(i, (i-1)/2) {
		s.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
	return i
}

func (s *Jobs) down(i int32) {
	for {
		c := 2*i + 1
		if int(c) >= len(s.wake) {
			return
		}
		if r := c + 1; int(r) < len(s.wake) && s.less(r, c) {
			c = r
		}
		if !s.less(c, i) {
			return
		}
		s.swap(i, c)
		i = c
	}
}

// pushEdge and popEdge keep a small heap of places in the large one, for
// walking its top in order without taking it apart.
func (s *Jobs) pushEdge(edge *[]int32, place int32) {
	e := append(*edge, place)
	for i := len(e) - 1; i > 0 && s.less(e[i], e[(i-1)/2]); i = (i - 1) / 2 {
		e[i], e[(i-1)/2] = e[(i-1)/2], e[i]
	}
	*edge = e
}

func (s *Jobs) popEdge(edge *[]int32) int32 {
	e := *edge
	top, last := e[0], len(e)-1
	e[0] = e[last]
	e = e[:last]
	for i := 0; ; {
		c := 2*i + 1
		if c >= len(e) {
			break
		}
		if c+1 < len(e) && s.less(e[c+1], e[c]) {
			c++
		}
		if !s.less(e[c], e[i]) {
			break
		}
		e[i], e[c] = e[c], e[i]
		i = c
	}
	*edge = e
	return top
}
