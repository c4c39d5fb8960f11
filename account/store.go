package account

import (
	"context"
	"errors"
	"time"
)

// Kind is what a record is about.
type Kind string

// The kinds of records.
const (
	kindRoster  Kind = "roster"  // one record, which changes with every user
	kindUser    Kind = "user"    // by name
	kindSession Kind = "session" // by the hash of its secret
	kindLink    Kind = "link"    // by the hash of its secret
	kindTries   Kind = "tries"   // by the hash of who tries
	kindEntry   Kind = "entry"   // by time
	kindSite    Kind = "site"    // by name
)

// Record is one thing that is kept.
type Record struct {
	Kind    Kind
	Key     string    // unique within the kind
	Version int64     // 1 when it is new, and one more at each change
	Until   time.Time // from when on it may be deleted; zero means never. To the microsecond
	Body    []byte    // JSON
}

// Change is a record as it is to be. Its Version is that of the record it was
// worked out from, 0 where there was none.
type Change struct {
	Record
	Delete bool
}

var (
	// ErrUnknown is returned for a record that is not there.
	ErrUnknown = errors.New("unknown account, session or link")

	// ErrChanged is returned by Write when a record is not what a change was
	// worked out from.
	ErrChanged = errors.New("it was changed meanwhile")
)

// Store keeps records. It is safe for concurrent use.
type Store interface {
	// Get is the record of that key.
	Get(ctx context.Context, kind Kind, key string) (Record, error)

	// List is the records of a kind from the greatest key down, byte by byte:
	// those below before where that is not empty, and at most limit where that
	// is not 0.
	List(ctx context.Context, kind Kind, before string, limit int) ([]Record, error)

	// Write makes all changes or, with ErrChanged, none. No two are of one
	// record.
	Write(ctx context.Context, changes []Change) error

	// Purge deletes what may be deleted by now.
	Purge(ctx context.Context, now time.Time) error
}
