package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/beforehand-go/beforehand/internal/number"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
)

const traceUsage = `trace [flags] [REPORT]

Shows the whole way of the numbers that readers of a report are given now: up to
which pageview they count, for which tick they were computed, what became of that
tick, run by run, and what is in service since. REPORT is a name such as
default/pageviews; without it the reports are listed. A server may run meanwhile.`

func runTrace(ctx context.Context, s stdio, args []string) error {
	var v placeFlags
	f := keepFlags(traceUsage, &v)
	if err := f.parse(s, args, 1); err != nil {
		return err
	}
	return withState(ctx, v, false, func(state stateStore) error {
		if f.NArg() == 0 {
			return listReports(ctx, s.out, state)
		}
		return trace(ctx, s.out, state, f.Arg(0))
	})
}

// inService are the snapshots in service of reports without parameters, by name.
func inService(ctx context.Context, state stateStore) ([]snapshot.Snapshot, error) {
	list, err := state.Snapshots().Changes(ctx, 0)
	if err != nil {
		return nil, err
	}
	newest := map[string]snapshot.Snapshot{}
	for _, v := range list {
		// A name that begins with a slash is kept for the program itself.
		if v.Params == "" && v.Held == "" && !strings.HasPrefix(v.Report, "/") && v.Version > newest[v.Report].Version {
			newest[v.Report] = v
		}
	}
	reports := make([]snapshot.Snapshot, 0, len(newest))
	for _, v := range newest {
		reports = append(reports, v)
	}
	slices.SortFunc(reports, func(a, b snapshot.Snapshot) int { return cmp.Compare(a.Report, b.Report) })
	return reports, nil
}

func listReports(ctx context.Context, w io.Writer, state stateStore) error {
	reports, err := inService(ctx, state)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "REPORT\tVERSION\tCOMPUTED\tTOOK")
	for _, v := range reports {
		fmt.Fprintf(out, "%s\t%d\t%s\t%s\n", v.Report, v.Version, moment(v.ComputedAt), rounded(v.Took))
	}
	return out.Flush()
}

func trace(ctx context.Context, w io.Writer, state stateStore, name string) error {
	v, err := state.Snapshots().Get(ctx, snapshot.Key{Report: name}, 0)
	if errors.Is(err, snapshot.ErrNone) {
		return fmt.Errorf("%s has no result; beforehand trace lists the reports that have one", name)
	}
	if err != nil {
		return err
	}
	jobs, err := state.Jobs().Jobs(ctx, name)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	say := func(what, format string, args ...any) {
		fmt.Fprintf(out, "%s\t%s\n", what, fmt.Sprintf(format, args...))
	}
	say("report", "%s, version %d", v.Report, v.Version)
	if p := v.Pageviews; p.Through > 0 {
		say("pageviews", "up to number %s", number.Grouped(p.Through))
		if !p.From.IsZero() {
			say("", "seen from %s to %s", moment(p.From), moment(p.To))
		}
	}
	if err := traceTick(ctx, say, state.Jobs(), &v); err != nil {
		return err
	}
	say("snapshot", "computed at %s in %s", moment(v.ComputedAt), rounded(v.Took))
	traceFiles(say, v.Files)
	for _, j := range jobs {
		switch {
		case j.Paused:
			say("next tick", "none: the job is paused")
		case j.Due.IsZero():
			say("next tick", "none is due")
		default:
			say("next tick", "%s, of %q", moment(j.Due), j.Definition.Trigger)
		}
	}
	return out.Flush()
}

// traceTick tells what became of the tick that a snapshot was computed for.
func traceTick(ctx context.Context, say func(what, format string, args ...any), jobs scheduler.Store, v *snapshot.Snapshot) error {
	if v.Tick.IsZero() {
		say("tick", "none: it was computed on demand")
		return nil
	}
	list, err := jobs.Ticks(ctx, scheduler.Query{Keys: []scheduler.Key{{Job: v.Report, Due: v.Tick}}})
	if err != nil {
		return err
	}
	if len(list) == 0 {
		say("tick", "%s, of which nothing is kept any more", moment(v.Tick))
		return nil
	}
	t := list[0]
	by := "of the trigger"
	if t.Asked {
		by = "that was asked for"
	}
	say("tick", "%s, %s", moment(t.Due), by)
	runs := append(slices.Clone(t.Earlier), scheduler.Attempt{
		Outcome: t.Outcome, Reason: t.Reason, Fence: t.Fence, Holder: t.Holder, Started: t.Started, Ended: t.Ended,
	})
	for i, r := range runs {
		say(fmt.Sprint("run ", i+1), "%s by %s with fence %d, from %s for %s", r.Outcome, r.Holder, r.Fence, moment(r.Started), rounded(r.Ended.Sub(r.Started)))
		if r.Reason != "" {
			say("", "%q", r.Reason)
		}
	}
	return nil
}

// traceFiles tells what is handed out: each format with its encodings.
func traceFiles(say func(what, format string, args ...any), files []snapshot.File) {
	for i := 0; i < len(files); {
		first := files[i]
		var sizes []string
		for ; i < len(files) && files[i].Format == first.Format; i++ {
			sizes = append(sizes, strings.TrimSpace(files[i].Encoding+" "+number.Grouped(int64(files[i].Size))))
		}
		if !strings.HasPrefix(first.Format, ".") { // that is kept, but never served
			say(first.Format, "%s bytes, the same since %s", strings.Join(sizes, ", "), moment(first.ChangedAt))
		}
	}
}

// moment is an instant as people read it.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000 MST") }

// rounded is a duration to three digits or so.
func rounded(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Microsecond * 10)
	}
	return d.Round(time.Millisecond * 10)
}
