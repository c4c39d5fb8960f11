package scheduler

import (
	"context"
	"errors"
	"time"
)

// Store keeps jobs and the ledger. It decides nothing: it writes what a
// scheduler worked out if nobody was faster, and otherwise refuses. That is
// all an engine has to do right; schedulertest.Run checks it.
//
// Every method may be called by many goroutines. A State or Tick handed in is the
// caller's again when the call returns, with all it points to but definitions
// and earlier attempts: those are shared, and never changed. What is handed out
// is the caller's, but for what Due shows.
type Store interface {
	// Due shows the jobs whose Wake has come, earliest first and each once,
	// until take has accepted limit of them. What take is shown holds only
	// during its call, and it must not call the store. Due returns the
	// store's clock and the earliest Wake still to come. A limit of zero
	// asks for these alone.
	Due(ctx context.Context, limit int, take func(*State) bool) (Due, error)

	// Jobs returns the named jobs, all that are not removed when none is
	// named, in order of name. Those that do not exist are left out; those
	// removed are returned when named.
	Jobs(ctx context.Context, names ...string) ([]*State, error)

	// Ticks returns rows of the ledger, the latest due first.
	Ticks(ctx context.Context, q Query) ([]*Tick, error)

	// Write carries out changes, each in one transaction, of which it may
	// have more than one, and returns for each nil where it stands, ErrStale
	// where something it was worked out from has changed meanwhile, or what
	// is wrong with its effects. A change is written whole or not at all,
	// and does not touch the others. There is at most one change of each
	// job. If Write itself fails, nothing is known of any of them.
	Write(ctx context.Context, changes []Change) ([]error, error)

	// Logs returns what the runs of a tick have logged, in order of fence.
	Logs(ctx context.Context, k Key) ([]*Log, error)

	// Replicas returns what Write was told of replicas, but for those that
	// were last seen longer than ReplicaGone before the store's clock.
	Replicas(ctx context.Context) ([]Replica, error)

	// Purge deletes ended rows of the ledger beyond what is to be kept, with
	// their logs, but none that is not below its job's Last, and returns how
	// many. It may leave some for later that have become too many since it
	// was last called.
	Purge(ctx context.Context, keep Retention) (int, error)

	// Changed returns a channel that gets a value soon after another
	// process or scheduler has written. It is a hint: it may be late, come
	// for nothing, or be nil.
	Changed() <-chan struct{}
}

// ErrStale is what Write answers for a change whose job or tick somebody else
// has written meanwhile.
var ErrStale = errors.New("changed meanwhile")

// ErrEffect is what Write answers, wrapped, for a change with an effect of a
// type that the engine cannot write.
var ErrEffect = errors.New("the store cannot write an effect of this type")

// Due is what Store.Due returns.
type Due struct {
	Now  time.Time
	Next time.Time // zero: none, or not seen
	// Most is how many jobs the store would be asked for at once: no more, if
	// many small writes cost it as little as a large one. Zero means any.
	Most int
}

// Query selects rows of the ledger; the zero value means the latest 100.
type Query struct {
	Job     string    // of this job only; empty means any
	Keys    []Key     // these rows only
	Outcome Outcome   // of this outcome only; empty means any
	Before  time.Time // due before this instant; zero means any
	Limit   int       // zero means 100, less means all
}

// Retention is how much of the ledger is kept.
type Retention struct {
	Age   time.Duration // rows that ended longer ago may go; zero means keep
	Count int           // rows of one job beyond so many may go; zero means keep
}

// A Change is what one step of a scheduler wants written, whole or not at all.
type Change struct {
	// Job is the job's new state; nil leaves it as it is. It is written if
	// its Version is one more than that of the stored one; Version 1 means
	// that there must be none yet.
	Job *State
	// SameDefinition says that Job has the definitions that are stored, so
	// that they need not be written once more.
	SameDefinition bool
	// Ticks are new rows, or new contents of rows, under the same rule. A
	// row is inserted only along with its job.
	Ticks []*Tick
	// Effects are what the run committed. They belong to the first tick.
	Effects []any
	// Log is what the run of the first tick has logged so far, in place of
	// what was written of it before; nil leaves it as it is.
	Log *Log
	// Replica tells of a scheduler, in place of what was told of it before;
	// nil tells of none.
	Replica *Replica
}

// A State is a job as the store keeps it.
type State struct {
	Name string
	// Definition is what holds; Declared what the program last declared.
	// They differ when the job was changed at run time.
	Definition, Declared *Definition

	// Due is the next instant of the trigger, zero for never.
	Due time.Time
	// Last is the latest due instant in the ledger. It never moves back.
	Last time.Time
	// Wake is when somebody must look at the job: the earlier of Due and
	// what its waiting ticks need. Zero means not of itself.
	Wake time.Time

	Paused  bool
	Removed bool
	// Fence is the highest fencing number given out.
	Fence int64
	// Count is how many ticks of the trigger there were.
	Count int

	// Open are the ticks that have not ended, in order of due.
	Open []OpenTick
	// Record is what is remembered of ended ticks; nil means of none.
	Record *Record

	// Version counts the writes to the job.
	Version int64
	// Place is a small number that no other job of the store has or will
	// have. It is the store's to give: it spares looking up names, here and
	// there, of jobs that go back and forth. Zero means unknown.
	Place int
}

// OpenTick is what a job's state holds of a tick that has not ended.
type OpenTick struct {
	Due     time.Time `json:"due"`
	Ready   time.Time `json:"ready,omitzero"` // while it waits
	Running bool      `json:"running,omitzero"`
}

// A Record is what is remembered of a job's ended ticks.
type Record struct {
	// Due and Outcome are those of the newest tick that ended.
	Due     time.Time `json:"due"`
	Outcome Outcome   `json:"outcome"`
	// Ended is when a run last ended, whatever its outcome.
	Ended time.Time `json:"ended"`
	// Success is when a run last ended with success, and SuccessDue the
	// tick it was for.
	Success    time.Time `json:"success,omitzero"`
	SuccessDue time.Time `json:"success_due,omitzero"`
	// Failures counts the ticks without success since.
	Failures int `json:"failures,omitzero"`
	// Alerted is when silence was last reported.
	Alerted time.Time `json:"alerted,omitzero"`
	// Followed is up to which tick of the jobs it runs after this job has
	// followed them.
	Followed time.Time `json:"followed,omitzero"`
	// Took is how long the last successful runs took, newest first.
	Took []time.Duration `json:"took,omitzero"`
}

// running counts the ticks under way.
func (s *State) running() int {
	n := 0
	for i := range s.Open {
		if s.Open[i].Running {
			n++
		}
	}
	return n
}
