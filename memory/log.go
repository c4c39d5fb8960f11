package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/beforehand-go/beforehand/scheduler"
)

// log writes what the run of a tick has logged.
func (s *Jobs) log(k scheduler.Key, l *scheduler.Log) {
	p, due := s.named(k.Job).history(), k.Due.UnixMicro()
	if p.logs == nil {
		p.logs = map[int64][]*scheduler.Log{}
	}
	list := p.logs[due]
	i, ok := slices.BinarySearchFunc(list, l.Fence, func(o *scheduler.Log, fence int64) int { return cmp.Compare(o.Fence, fence) })
	if ok {
		list[i] = l
	} else {
		p.logs[due] = slices.Insert(list, i, l)
	}
}

// Logs implements scheduler.Store.
func (s *Jobs) Logs(_ context.Context, k scheduler.Key) ([]*scheduler.Log, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j := s.named(k.Job); j != nil && j.past != nil {
		return slices.Clone(j.past.logs[k.Due.UnixMicro()]), nil
	}
	return nil, nil
}

// hear notes what a replica tells of itself, and forgets those that have been
// silent for long.
func (s *Jobs) hear(r *scheduler.Replica) {
	if s.replicas == nil {
		s.replicas = map[string]scheduler.Replica{}
	}
	old := now().Add(-scheduler.ReplicaGone)
	maps.DeleteFunc(s.replicas, func(_ string, o scheduler.Replica) bool { return o.Seen.Before(old) })
	s.replicas[r.Holder] = *r
}

// Replicas implements scheduler.Store.
func (s *Jobs) Replicas(context.Context) ([]scheduler.Replica, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := now().Add(-scheduler.ReplicaGone)
	var list []scheduler.Replica
	for _, name := range slices.Sorted(maps.Keys(s.replicas)) {
		if r := s.replicas[name]; !r.Seen.Before(old) {
			list = append(list, r)
		}
	}
	return list, nil
}
