package snapshot

import (
	"context"
	"errors"
)

// DefaultKeep is how many versions of a key are kept unless its report says
// otherwise.
const DefaultKeep = 10

// What a [Store] returns for a caller to decide on.
var (
	// ErrNone is returned by Get where there is no such snapshot.
	ErrNone = errors.New("no such snapshot")
	// ErrLate is returned by Put where a newer result is already there.
	ErrLate = errors.New("a newer snapshot is already there")
	// ErrCorrupt is returned by Get where the kept bytes are not those that
	// were put.
	ErrCorrupt = errors.New("bytes differ from their tag")
)

// Store keeps snapshots. An engine also writes a Snapshot that is handed to
// scheduler.Run.Commit, by the rules of Put, in the transaction of the run's
// outcome.
//
// All methods may be called at the same time from anywhere. What Put has
// returned without error is durable as far as the engine is.
type Store interface {
	// Put keeps s as the newest version of its key and returns it with
	// Version and Revision set. Unless s is held it is now the one in
	// service. Older versions beyond s.Keep are removed.
	//
	// ErrLate is returned, and nothing is changed, where a version with a
	// greater fence was put before, or, for a snapshot without a fence,
	// where the newest version is not s.Base.
	Put(ctx context.Context, s Snapshot) (Snapshot, error)
	// Get returns a version, its bytes checked against their tags. Version
	// 0 is the one in service. ErrNone, ErrCorrupt.
	Get(ctx context.Context, k Key, version int64) (Snapshot, error)
	// Versions lists what is kept of a key, newest first, held ones
	// included, without bytes.
	Versions(ctx context.Context, k Key) ([]Snapshot, error)
	// Changes lists every kept version with a revision greater than since,
	// in the order of revisions, without bytes. It is asked often and cheap
	// when nothing has changed. A revision never becomes visible after a
	// greater one.
	Changes(ctx context.Context, since int64) ([]Snapshot, error)
	// Changed returns a channel that gets a value soon after somebody has
	// put a snapshot, here or in another process. It is a hint: it may be
	// late, come for nothing, or be nil.
	Changed() <-chan struct{}
	// Delete removes all versions of a key. The key's fence is kept, and
	// its version numbers go on from where they were.
	Delete(ctx context.Context, k Key) error
}
