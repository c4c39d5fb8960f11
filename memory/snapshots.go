package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/beforehand-go/beforehand/snapshot"
)

// snapshots keeps finished results as long as the process lasts.
type snapshots struct {
	mu       sync.Mutex
	revision int64
	lines    map[snapshot.Key]*line
}

var _ snapshot.Store = (*snapshots)(nil)

// line is what is kept of one key.
type line struct {
	version int64 // of the latest, kept or not
	fence   int64 // the greatest
	kept    []snapshot.Snapshot
}

func (s *snapshots) Put(ctx context.Context, snap snapshot.Snapshot) (snapshot.Snapshot, error) {
	if err := ctx.Err(); err != nil {
		return snapshot.Snapshot{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refuse(snap); err != nil {
		return snapshot.Snapshot{}, err
	}
	return s.put(snap), nil
}

// refuse tells whether a snapshot comes too late.
func (s *snapshots) refuse(snap snapshot.Snapshot) error {
	l := s.lines[snap.Key]
	if l == nil {
		l = &line{}
	}
	var newest int64
	if n := len(l.kept); n > 0 {
		newest = l.kept[n-1].Version
	}
	if snap.Fence == 0 && snap.Base != newest || snap.Fence > 0 && snap.Fence < l.fence {
		return fmt.Errorf("put %s: %w", snap.Key, snapshot.ErrLate)
	}
	return nil
}

func (s *snapshots) put(snap snapshot.Snapshot) snapshot.Snapshot {
	l := s.lines[snap.Key]
	if l == nil {
		l = &line{}
		if s.lines == nil {
			s.lines = map[snapshot.Key]*line{}
		}
		s.lines[snap.Key] = l
	}
	s.revision++
	l.version++
	l.fence = max(l.fence, snap.Fence)
	snap.Revision, snap.Version = s.revision, l.version
	keep := cmp.Or(snap.Keep, snapshot.DefaultKeep)
	snap.Base, snap.Keep = 0, 0
	l.kept = append(l.kept, snap)
	serving := l.serving()
	l.kept = slices.DeleteFunc(l.kept, func(o snapshot.Snapshot) bool {
		return o.Version <= l.version-int64(keep) && o.Version != serving
	})
	return snap
}

// serving is the version in service, zero for none.
func (l *line) serving() int64 {
	for _, s := range slices.Backward(l.kept) {
		if s.Held == "" {
			return s.Version
		}
	}
	return 0
}

func (s *snapshots) Get(ctx context.Context, k snapshot.Key, version int64) (snapshot.Snapshot, error) {
	if err := ctx.Err(); err != nil {
		return snapshot.Snapshot{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.lines[k]; l != nil {
		if version == 0 {
			version = l.serving()
		}
		for _, snap := range l.kept {
			if snap.Version == version {
				snap.Files = slices.Clone(snap.Files)
				return snap, nil
			}
		}
	}
	return snapshot.Snapshot{}, fmt.Errorf("get %s: %w", k, snapshot.ErrNone)
}

func (s *snapshots) Versions(ctx context.Context, k snapshot.Key) ([]snapshot.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []snapshot.Snapshot
	if l := s.lines[k]; l != nil {
		for _, snap := range slices.Backward(l.kept) {
			list = append(list, bare(snap))
		}
	}
	return list, ctx.Err()
}

func (s *snapshots) Changes(ctx context.Context, since int64) ([]snapshot.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []snapshot.Snapshot
	if since < s.revision {
		for _, l := range s.lines {
			for _, snap := range l.kept {
				if snap.Revision > since {
					list = append(list, bare(snap))
				}
			}
		}
	}
	slices.SortFunc(list, func(a, b snapshot.Snapshot) int { return cmp.Compare(a.Revision, b.Revision) })
	return list, ctx.Err()
}

// Changed returns nil: no other process shares what is in memory.
func (s *snapshots) Changed() <-chan struct{} { return nil }

func (s *snapshots) Delete(ctx context.Context, k snapshot.Key) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.lines[k]; l != nil {
		l.kept = nil
	}
	return ctx.Err()
}

// bare leaves out the bytes.
func bare(s snapshot.Snapshot) snapshot.Snapshot {
	s.Files = slices.Clone(s.Files)
	for i := range s.Files {
		s.Files[i].Body = nil
	}
	return s
}
