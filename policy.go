package beforehand

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
	"github.com/beforehand-go/beforehand/trigger"
)

// Policy says when and how a report is computed and how it is served. The zero
// value is a report that is computed once, and again when it is asked for.
type Policy struct {
	// Trigger says when the report is due. Nil means only at the first
	// start and when Refresh or Invalidate asks for it.
	Trigger trigger.Trigger

	// After names reports of the same site that this one reads. It is
	// computed once each of them has finished, in place of a trigger.
	After []string

	// AtStart computes the report whenever the site starts. Otherwise that
	// is done only if there is no snapshot, it lacks a format, or it was
	// computed by another definition.
	AtStart bool

	// Timeout bounds a run; zero means no bound.
	Timeout time.Duration

	// When is a cheap probe, such as the greatest id of a table. It is asked
	// before the function, which is not called if the answer is that of the
	// snapshot in service. A run somebody asked for computes in any case.
	When func(ctx context.Context) (string, error)

	// Definition is the owner's word for the version of the function. When
	// it or the shape of the type has changed since the snapshot, the report
	// is computed at start, and serves the old result until then.
	Definition string

	// Wait is how long a reader waits for a report that has never finished;
	// zero answers 503 with Retry-After at once. No reader ever waits for
	// one that has.
	Wait time.Duration

	// Keep is how many versions are kept to go back to; zero means
	// snapshot.DefaultKeep.
	Keep int

	// HoldBelow holds a result for approval whose first format has less than
	// this part of the bytes of the last one: 0.5 is half. Zero holds none.
	HoldBelow float64

	// Formats names the formats that are kept, such as "json" and "svg"; nil
	// means all that there are. Of a function that returns a value "json" is
	// kept in any case, since it is the value.
	Formats []string

	// Publish is a folder that this report alone is written to, besides that of
	// the site; empty means none. See [Config].
	Publish string

	// Rules decide on headers: other origins, shared caches, content policy.
	Rules snapshot.Rules

	// Job holds further policies, such as Overlap, Misfire, Retry, Alert and
	// Labels. What is said above rules over it, and its Name and Run are not
	// used.
	Job scheduler.Job
}

// job makes the scheduler's job of a report.
func (p Policy) job(name string, run func(context.Context, *scheduler.Run) error, atStart bool) scheduler.Job {
	j := p.Job
	j.Name, j.Run, j.After, j.AtStart = name, run, p.After, atStart
	if p.Timeout > 0 {
		j.Timeout = p.Timeout
	}
	j.Trigger = p.Trigger
	if p.Trigger == nil && len(p.After) == 0 {
		j.Trigger = trigger.Never{}
	}
	return j
}

// checkName tells whether a name can be a report's: it is also a path of URLs
// and files.
func checkName(name string) error {
	if name == "." || !fs.ValidPath(name) {
		return fmt.Errorf("new report %q: a name is one or more words joined by slashes", name)
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") || strings.ContainsAny(part, "?*@\\\x00") {
			return fmt.Errorf("new report %q: %q must not begin with a dot or hold any of ? * @ \\", name, part)
		}
	}
	return nil
}

// Hold is the error by which a check holds a result back for approval: it is
// kept, but the last one stays in service until [Report.Restore] is called with
// the version that was held. Any other error of a check discards the result and
// fails the run.
func Hold(reason string) error { return held{reason} }

type held struct{ reason string }

func (h held) Error() string { return "held for approval: " + h.reason }

// heldFor returns the reason of a Hold in an error's chain.
func heldFor(err error) (string, bool) {
	var h held
	ok := errors.As(err, &h)
	return h.reason, ok
}
