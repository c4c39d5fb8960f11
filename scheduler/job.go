package scheduler

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/beforehand-go/beforehand/trigger"
)

// A Job is a name, a trigger, policies and a function. Only Name, Run and one
// of Trigger and After are needed; every zero policy is a sensible one.
//
// Name and policies are kept in the store and may be changed there while the
// program runs; the function and the trigger's value stay in the program.
type Job struct {
	// Name is the job's own stable name, the same in every process. At most
	// 200 bytes of UTF-8 without control characters and without '@'.
	Name string

	// Trigger says when the job is due.
	Trigger trigger.Trigger

	// After names the jobs this one follows, in place of a trigger: it is
	// due once each of them has ended a tick newer than the one this job
	// followed last, as of the latest instant all of them have reached. If
	// one of them did not succeed the tick is skipped, with the reason.
	// Circles are refused.
	After []string

	// Run does the work. Nil declares a job that other processes run. Its
	// context ends when the run is cancelled, exceeds its timeout or loses
	// its lease; context.Cause tells which. A panic is a failed run.
	Run func(ctx context.Context, run *Run) error

	// Timeout bounds a run; zero means no bound.
	Timeout time.Duration

	// Overlap says what happens to a tick that is due while an earlier one
	// is still waiting or running. Zero is SkipOverlap.
	Overlap Overlap

	// Misfire says what happens to ticks that passed while nobody ran them.
	// Zero is RunLatest.
	Misfire Misfire

	// Grace is how late a run may begin; a tick later than that is missed.
	// Zero means any lateness, with SkipMissed one minute.
	Grace time.Duration

	// Retry says how often a tick is tried again.
	Retry Retry

	// Alert says when to raise the alarm.
	Alert Alert

	// Labels restrict the job to schedulers that carry all of them.
	Labels []string

	// AtStart asks for a run when a scheduler starts, as RunNow does,
	// besides those of the trigger.
	AtStart bool
}

// Overlap is what happens to a tick due while an earlier one of the same job
// has not ended.
type Overlap int

const (
	// SkipOverlap records the tick as skipped.
	SkipOverlap Overlap = 0
	// QueueOne lets one tick wait; those due while it waits are coalesced
	// into it.
	QueueOne Overlap = -1
	// CancelOlder cancels what waits or runs and then runs the new tick.
	CancelOlder Overlap = -2

	unknownOverlap Overlap = -100
)

// Allow lets up to n runs of the job be under way at once, and skips ticks
// beyond that.
func Allow(n int) Overlap { return Overlap(max(n, 1)) }

// atOnce is how many runs of one job may be under way.
func (o Overlap) atOnce() int { return max(int(o), 1) }

// String returns the text the store keeps.
func (o Overlap) String() string {
	switch {
	case o == SkipOverlap:
		return "skip"
	case o == QueueOne:
		return "queue one"
	case o == CancelOlder:
		return "cancel older"
	case o > 0:
		return "allow " + strconv.Itoa(int(o))
	}
	return "unknown"
}

// MarshalText returns the text of String.
func (o Overlap) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads the text of String. A text that only a newer version
// knows makes the job one that is left to others.
func (o *Overlap) UnmarshalText(b []byte) error {
	switch text := string(b); text {
	case "skip":
		*o = SkipOverlap
	case "queue one":
		*o = QueueOne
	case "cancel older":
		*o = CancelOlder
	default:
		*o = Overlap(countAfter(text, "allow ", int(unknownOverlap)))
	}
	return nil
}

// Misfire is what happens to ticks that passed while no process could run
// them: it was down, asleep, or had no room.
type Misfire int

const (
	// RunLatest runs the latest tick; those before it are coalesced into it.
	RunLatest Misfire = 0
	// SkipMissed runs none that is later than Grace.
	SkipMissed Misfire = -1

	unknownMisfire Misfire = -100
)

// RunAll runs each missed tick in turn, at most the latest n; those before
// them are missed.
func RunAll(n int) Misfire { return Misfire(max(n, 1)) }

// String returns the text the store keeps.
func (m Misfire) String() string {
	switch {
	case m == RunLatest:
		return "run latest"
	case m == SkipMissed:
		return "skip missed"
	case m > 0:
		return "run all " + strconv.Itoa(int(m))
	}
	return "unknown"
}

// MarshalText returns the text of String.
func (m Misfire) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads the text of String.
func (m *Misfire) UnmarshalText(b []byte) error {
	switch text := string(b); text {
	case "run latest":
		*m = RunLatest
	case "skip missed":
		*m = SkipMissed
	default:
		*m = Misfire(countAfter(text, "run all ", int(unknownMisfire)))
	}
	return nil
}

// countAfter reads the positive number behind a prefix.
func countAfter(text, prefix string, otherwise int) int {
	digits, ok := strings.CutPrefix(text, prefix)
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 1 {
		return otherwise
	}
	return n
}

// Retry says how often a tick is tried. A run that ended with an error marked
// by Permanent is not tried again.
type Retry struct {
	// Attempts is how often a tick whose run fails, panics or exceeds its
	// timeout is tried in all. Zero and one mean once.
	Attempts int `json:"attempts,omitzero"`
	// Lost is how often a tick is tried in all when its holder died or
	// lost its lease. Zero means three; one means that such a tick must not
	// be run again.
	Lost int `json:"lost,omitzero"`
	// Backoff is the wait before the second attempt; it doubles with each
	// further one, with up to a fifth of jitter. Zero means one second.
	Backoff time.Duration `json:"backoff,omitzero"`
	// MaxBackoff bounds the wait. Zero means one hour.
	MaxBackoff time.Duration `json:"max_backoff,omitzero"`
}

// Alert says when a job calls for attention, by an event of kind Alerted.
type Alert struct {
	// Failures is how many ticks in a row must end without success. Zero
	// means never.
	Failures int `json:"failures,omitzero"`
	// Silence is how long the job may go without a success. Zero means for
	// ever.
	Silence time.Duration `json:"silence,omitzero"`
}

// Permanent marks an error as one that trying again does not mend.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Check tells what is wrong with a job by itself, as Add does.
func (j *Job) Check() error {
	switch {
	case j.Name == "":
		return errors.New("add job: it has no name")
	case len(j.Name) > 200 || !utf8.ValidString(j.Name) || strings.ContainsFunc(j.Name, unfit):
		return fmt.Errorf("add job %q: a name has at most 200 bytes of UTF-8 without '@' and control characters", j.Name)
	case j.Trigger == nil && len(j.After) == 0:
		return fmt.Errorf("add job %s: it needs a trigger or jobs to run after (trigger.Never{} for one that only runs when told to)", j.Name)
	case j.Trigger != nil && len(j.After) > 0:
		return fmt.Errorf("add job %s: it has both a trigger and jobs to run after", j.Name)
	case j.Overlap < CancelOlder || j.Misfire < SkipMissed:
		return fmt.Errorf("add job %s: unknown overlap or misfire policy", j.Name)
	case j.Timeout < 0 || j.Grace < 0 || j.Retry.Backoff < 0 || j.Retry.MaxBackoff < 0 || j.Alert.Silence < 0:
		return fmt.Errorf("add job %s: a duration is negative", j.Name)
	}
	return nil
}

func unfit(r rune) bool { return r == '@' || r < ' ' || r == 0x7f }
