package outbox

import (
	"context"
	"errors"
	"time"
)

// What stores say.
var (
	// ErrUnknown is said of a message that is not there.
	ErrUnknown = errors.New("there is no such message")
	// ErrSent is said of a message that was sent and cannot be again.
	ErrSent = errors.New("the message was sent already")
)

// Store keeps messages. Instants are kept to the microsecond. It is for several
// goroutines, and processes where its engine is.
type Store interface {
	// Put adds those messages that are not there, as waiting for their Next,
	// and tells how many that were. All are added or none.
	Put(ctx context.Context, messages ...Message) (added int, err error)

	// Due gives what waits and is to be tried by an instant, the longest due
	// first.
	Due(ctx context.Context, by time.Time, limit int) ([]Message, error)

	// Note keeps what became of an attempt, as Message.Tried tells it, unless
	// another attempt was noted since the message was read.
	Note(ctx context.Context, tried Message) error

	// Retry lets a message be tried at an instant and as often as a new one.
	Retry(ctx context.Context, id string, at time.Time) error

	// Find gives one message.
	Find(ctx context.Context, id string) (Message, error)

	// List gives messages without their bodies, the newest first.
	List(ctx context.Context, q Query) ([]Message, error)

	// Purge deletes what ended before an instant, and tells how much.
	Purge(ctx context.Context, before time.Time) (deleted int, err error)
}

// Query says which messages to list.
type Query struct {
	State State // empty means every one
	Site  string
	Limit int // more than zero
}
