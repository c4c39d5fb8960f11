package scheduler

import (
	"strings"
	"time"
)

// Key names a tick: a job and one of its due instants. It is the same in every
// process and at every attempt.
type Key struct {
	Job string
	Due time.Time
}

// String returns "job@due" with the due instant in UTC.
func (k Key) String() string {
	return k.Job + "@" + k.Due.UTC().Format(time.RFC3339Nano)
}

// ParseKey reads what String wrote, of an instant in the years 0 to 9999.
func ParseKey(text string) (Key, bool) {
	job, due, _ := strings.Cut(text, "@")
	t, err := time.Parse(time.RFC3339Nano, due)
	t = t.UTC()
	ok := err == nil && job != "" && t.Year() >= 0 && t.Year() <= 9999
	return Key{Job: job, Due: t}, ok
}

// Outcome is how a tick stands or how it ended.
type Outcome string

// Waiting and Running ticks are open; each of the others is an end. Lost is
// the outcome of an attempt whose holder died, never of a tick: that is tried
// again or has failed.
const (
	Waiting   Outcome = "waiting"
	Running   Outcome = "running"
	Succeeded Outcome = "succeeded"
	Failed    Outcome = "failed"
	TimedOut  Outcome = "timed out"
	Cancelled Outcome = "cancelled"
	Missed    Outcome = "missed"
	Coalesced Outcome = "coalesced"
	Skipped   Outcome = "skipped"
	Lost      Outcome = "lost"
)

// Open tells whether a tick with this outcome is still to be run or ended.
func (o Outcome) Open() bool { return o == Waiting || o == Running }

// A Tick is one row of the ledger: a job and a due instant, with what became
// of it. All times are in UTC, to the microsecond.
type Tick struct {
	Job string
	Due time.Time

	Outcome Outcome
	// Reason says in words why: the error of a run, why it was skipped.
	Reason string

	// Asked is true for a tick somebody asked for, false for one of the
	// trigger.
	Asked bool
	// Count is how many due instants the row stands for, one unless ticks
	// ended together without a run; Until is the last of them.
	Count int
	Until time.Time

	// Attempt counts the runs of the tick from one; zero before the first.
	Attempt int
	// Fence is the job's fencing number of the latest attempt.
	Fence int64
	// Holder is the scheduler that runs it or ran it.
	Holder string
	// Lease is how long the holder may be silent.
	Lease time.Duration
	// Ready is the instant before which a waiting tick does not begin.
	Ready time.Time
	// Started and Ended bound the latest attempt.
	Started, Ended time.Time
	// Cancel says why the run is to stop; empty means that it is not.
	Cancel   string
	Progress Progress
	// Earlier are the attempts before the latest.
	Earlier []Attempt

	// Version counts the writes to the row. It stands still when the holder
	// does.
	Version int64
}

// Key returns the tick's name.
func (t *Tick) Key() Key { return Key{Job: t.Job, Due: t.Due} }

// An Attempt is a run of a tick that was not its last.
type Attempt struct {
	Outcome Outcome   `json:"outcome"`
	Reason  string    `json:"reason,omitzero"`
	Fence   int64     `json:"fence"`
	Holder  string    `json:"holder"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	Logged  int       `json:"logged,omitzero"` // lines in its log
}

// Progress is how far a run is.
type Progress struct {
	Done   int64  `json:"done,omitzero"`
	Total  int64  `json:"total,omitzero"`
	Line   string `json:"line,omitzero"`
	Logged int    `json:"logged,omitzero"` // lines in its log, dropped ones included
}

// attempt takes the latest attempt out of a tick, to be kept as an earlier one.
func (t *Tick) attempt(o Outcome, reason string, ended time.Time) Attempt {
	return Attempt{Outcome: o, Reason: reason, Fence: t.Fence, Holder: t.Holder, Started: t.Started, Ended: ended, Logged: t.Progress.Logged}
}

// micro brings an instant to what every store keeps: UTC and microseconds,
// rounded up, so that the next one after it is never the same again.
func micro(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	down := t.UTC().Truncate(time.Microsecond)
	if down.Before(t) {
		return down.Add(time.Microsecond)
	}
	return down
}

// instant is a time that was kept in microseconds.
func instant(micro int64) time.Time { return time.UnixMicro(micro).UTC() }

// clean makes words from outside fit for every store: valid UTF-8 without NUL,
// and not longer than anybody reads.
func clean(words string) string {
	const most = 16 << 10
	if len(words) > most {
		words = words[:most] + " …"
	}
	return strings.ReplaceAll(strings.ToValidUTF8(words, "�"), "\x00", "")
}
