package pageview

import (
	"context"
	"errors"
	"time"
)

var (
	// ErrLogMoved is returned by Append when a batch does not begin where
	// the last committed batch of the same log file ended: somebody else has
	// read on. Nothing of the batch was kept.
	ErrLogMoved = errors.New("the log file was read on by another import")

	// ErrNoSite is returned for a site that the store does not have.
	ErrNoSite = errors.New("there is no such site")

	// ErrFull is returned when the disk or the memory that the store may use
	// is exhausted. Nothing of the batch was kept.
	ErrFull = errors.New("no space left for pageviews")

	// ErrMarkMoved is returned by Append when a mark is not where the batch
	// says it is: somebody else has read on. Nothing of the batch was kept.
	ErrMarkMoved = errors.New("the source was read on by another reader")

	// ErrRepeated is returned by Append for a request that was kept before:
	// same key, same body. Nothing was kept again; its sender can be told
	// what it was told then.
	ErrRepeated = errors.New("the request was kept before")

	// ErrKeyReused is returned by Append for a request whose key came before
	// with another body. Nothing of the batch was kept.
	ErrKeyReused = errors.New("the idempotency key was used for another request")

	// ErrBusy is returned by Append when so much waits to be written that no
	// more is taken in. Nothing of the batch was kept; it can be sent again
	// later.
	ErrBusy = errors.New("too many pageviews wait to be written")

	// ErrClosed is returned by a store that was closed.
	ErrClosed = errors.New("store of pageviews is closed")
)

// Store keeps pageviews and counts them. It is safe for concurrent use.
type Store interface {
	// Site makes a site known and returns it as it is kept. The zone of a
	// known site stays as it was; its precedence is replaced, unless none is
	// given, and its rate in any case.
	Site(ctx context.Context, s Site) (Site, error)

	// Append makes a batch of known sites' pageviews durable, all of it or nothing: when it returns
	// nil the pageviews and the new marks are on disk and in every count. An
	// error that comes from ctx leaves open whether the batch was kept.
	Append(ctx context.Context, b Batch) error

	// Logs tells what is known of the log files that begin with the line of
	// this print.
	Logs(ctx context.Context, site string, first uint64) ([]KnownLog, error)

	// Mark tells how far a source that is no log file was read, in the
	// reader's own terms; empty means that it never was.
	Mark(ctx context.Context, site, source string) (string, error)

	// Span tells what the site's counted pageviews reach over, bots left out.
	Span(ctx context.Context, site string) (Span, error)

	// Query answers with every pageview that was kept before it was asked.
	Query(ctx context.Context, q Query) (Answer, error)

	// Rank puts pages in order, those read most first.
	Rank(ctx context.Context, q RankQuery) (Ranking, error)

	// Close waits for what is being written and closes the store.
	Close() error
}

// Site is what a store knows of a site.
type Site struct {
	Name       string
	Zone       string     // IANA name of the zone of its local days
	Precedence Precedence // which sources count; empty means DefaultPrecedence
	Rate       Rate       // from when on a visitor is no person; zero means never
}

// Batch is what is made durable together.
type Batch struct {
	Pageviews []Pageview
	Stays     []Stay
	Log       *LogStep  // the part of a log file the pageviews came from; nil means none
	Mark      *MarkStep // the part of another source they came from; nil means none
	Key       *Key      // knows a request that is sent again; nil means that it cannot be

	// Wait lets Append wait its turn where it would return ErrBusy. It is for
	// a caller that goes on only when the batch was kept, such as an import.
	Wait bool
}

// Key knows a request by what its sender called it. It is remembered for 48
// hours at the least.
type Key struct {
	Token  string   // who sends; keys of several senders do not meet
	Name   string   // what the sender calls the request
	Digest [32]byte // of the request's body
}

// MarkStep moves the mark of a source that is no log file, in the transaction
// that keeps the pageviews read from it.
type MarkStep struct {
	Site     string
	Source   string // what the mark is of, such as "table visits"
	From, To string // From is what Mark or the last step gave
}

// KnownLog is a log file that was read.
type KnownLog struct {
	Prints Prints
	Mark   Mark
}

// LogStep moves the mark of a log file, in the transaction that keeps the
// pageviews read from it.
type LogStep struct {
	Site   string
	Prints Prints // all that the file has so far; not empty
	From   Mark   // the mark of the known file, or the one that the last step gave
	To     Mark
	New    bool // no known file is this one: it becomes known
	Beside int  // how many were known, with New, that begin with the same line
}

// Mark is how far a log file was read.
type Mark struct {
	Offset int64  // bytes of the unpacked file
	Lines  int64  // whole lines in those bytes
	Print  uint64 // keyed hash of those bytes
}

// Prints knows a log file by its beginning: element i is a keyed hash of all
// bytes up to a point, the first of which is the end of the first line. Files
// that agree on an element agree on all bytes before its point.
type Prints []uint64

// Span is what the counted pageviews of a site reach over.
type Span struct {
	First, Last time.Time // of the oldest and the newest pageview; zero means there is none
	FirstDay    Day       // local days of these
	LastDay     Day
	Through     uint64 // sequence number of the pageview kept last; zero means none was
}

// SourceDay is what a source told of a local day, in ascending order of day
// and source.
type SourceDay struct {
	Day       Day
	Source    Source
	Pageviews int64 // by persons
	Bots      int64 // pageviews by bots
	Counts    bool  // whether they are in the other answers; see Precedence
}
