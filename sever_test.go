package beforehand_test

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
)

// severable is a state that a process may lose: it can write nothing more, as
// one that was killed.
type severable struct {
	beforehand.State
	lost *atomic.Bool
}

func (s severable) Snapshots() snapshot.Store {
	return severableSnapshots{s.State.Snapshots(), s.lost}
}

func (s severable) Jobs() scheduler.Store { return severableJobs{s.State.Jobs(), s.lost} }

type severableSnapshots struct {
	snapshot.Store
	lost *atomic.Bool
}

var errSevered = errors.New("connection lost")

func (s severableSnapshots) Put(ctx context.Context, snap snapshot.Snapshot) (snapshot.Snapshot, error) {
	if s.lost.Load() {
		return snapshot.Snapshot{}, errSevered
	}
	return s.Store.Put(ctx, snap)
}

type severableJobs struct {
	scheduler.Store
	lost *atomic.Bool
}

func (s severableJobs) Write(ctx context.Context, changes []scheduler.Change) ([]error, error) {
	if s.lost.Load() {
		return nil, errSevered
	}
	return s.Store.Write(ctx, changes)
}
