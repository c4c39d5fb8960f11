package schedulertest

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
)

func testLogs(t *testing.T, s scheduler.Store) {
	logs := func(job string) string {
		t.Helper()
		list, err := s.Logs(t.Context(), scheduler.Key{Job: job, Due: epoch})
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		for _, l := range list {
			fmt.Fprintf(&text, "%+v ", *l)
		}
		return text.String()
	}
	write := func(job string, version, fence int64, l *scheduler.Log) error {
		row := sampleTick(job, epoch)
		row.Version, row.Fence = version, fence
		change := scheduler.Change{Ticks: []*scheduler.Tick{row}, Log: l}
		if version == 1 {
			change.Job = plain(job)
		}
		return write(t, s, change)[0]
	}
	line := func(text string) scheduler.Line {
		return scheduler.Line{At: epoch, Level: slog.LevelWarn, Text: text}
	}
	const odd = "ü 日本 \"'\\ <b>\nmore\u2028"
	first := &scheduler.Log{Fence: 1, Lines: []scheduler.Line{line(odd), line("two")}, Dropped: 7}
	second := &scheduler.Log{Fence: 2, Lines: []scheduler.Line{line("again")}}
	longer := &scheduler.Log{Fence: 2, Lines: []scheduler.Line{line("again"), line("and more")}}
	if logs("a") != "" {
		t.Errorf("a log of a job that is not there: %s", logs("a"))
	}
	for i, l := range []*scheduler.Log{first, second, longer, nil} {
		fence := int64(2)
		if l != nil {
			fence = l.Fence
		}
		if err := write("a", int64(i)+1, fence, l); err != nil {
			t.Fatal(err)
		}
	}
	if err := write("a", 3, 2, &scheduler.Log{Fence: 2}); err == nil {
		t.Error("a log of a change that does not stand was taken")
	}
	if got, want := logs("a"), fmt.Sprintf("%+v %+v ", *first, *longer); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if err := write("b", 1, 1, nil); err != nil || logs("b") != "" {
		t.Errorf("another job has it too: %s", logs("b"))
	}
	gone, again := plain("a"), sampleTick("a", epoch)
	gone.Version, gone.Last = 2, epoch.Add(time.Hour)
	again.Version, again.Fence, again.Outcome, again.Ended = 5, 2, scheduler.Succeeded, epoch
	must(t, s, scheduler.Change{Job: gone, SameDefinition: true, Ticks: []*scheduler.Tick{
		again, {Job: "a", Due: epoch.Add(time.Hour), Outcome: scheduler.Waiting, Count: 1, Version: 1},
	}})
	if n, err := s.Purge(t.Context(), scheduler.Retention{Count: 1}); n != 1 || err != nil {
		t.Errorf("%d purged, %v", n, err)
	}
	if logs("a") != "" {
		t.Errorf("the log outlives its tick: %s", logs("a"))
	}
}

func testReplicas(t *testing.T, s scheduler.Store) {
	due, err := s.Due(t.Context(), 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	tell := func(holder string, ago time.Duration, stopped bool) *scheduler.Replica {
		r := &scheduler.Replica{
			Holder: holder, Labels: []string{"gpu", "eu"}, Started: due.Now.AddDate(0, 0, -9),
			Seen: due.Now.Add(-ago), Stopped: stopped,
		}
		must(t, s, scheduler.Change{Replica: r})
		return r
	}
	tell("old", scheduler.ReplicaGone+time.Minute, false)
	b, first := tell("b", time.Hour, true), tell("a/1 \"日本\"", time.Minute, false)
	first = tell(first.Holder, time.Second, false)
	list, err := s.Replicas(t.Context())
	if got, want := fmt.Sprintf("%+v", list), fmt.Sprintf("%+v", []scheduler.Replica{*first, *b}); got != want || err != nil {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}

// testPurgeMany lets a ledger grow as schedulers do, and holds every job to what
// is kept of it and not much more.
func testPurgeMany(t *testing.T, s scheduler.Store) {
	const keep, jobs, rounds = 20, 3, 700
	all := 0
	for v := int64(1); v <= rounds; v++ {
		var changes []scheduler.Change
		for j := range jobs {
			st := plain(fmt.Sprint("job-", j))
			st.Version, st.Last = v, epoch.Add(time.Duration(v)*time.Second)
			row := &scheduler.Tick{Job: st.Name, Due: st.Last, Outcome: scheduler.Skipped, Count: 1, Ended: st.Last, Version: 1}
			changes = append(changes, scheduler.Change{Job: st, SameDefinition: v > 1, Ticks: []*scheduler.Tick{row}})
		}
		must(t, s, changes...)
		if v%100 != 0 {
			continue
		}
		n, err := s.Purge(t.Context(), scheduler.Retention{Count: keep})
		if err != nil {
			t.Fatal(err)
		}
		all += n
		if left := len(ticks(t, s, scheduler.Query{Job: "job-1", Limit: -1})); left > keep+256+100 {
			t.Errorf("after %d ticks of a job %d are left, of which %d are to be kept", v, left, keep)
		}
	}
	if left := len(ticks(t, s, scheduler.Query{Limit: -1})); left > jobs*rounds-all || left < jobs*keep {
		t.Errorf("%d purged, %d left of %d", all, left, jobs*rounds)
	}
}
