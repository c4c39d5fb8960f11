package schedulertest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
)

// Engine is what Run tests.
type Engine struct {
	// Open returns a new, empty store, closed when the test ends.
	Open func(t *testing.T) scheduler.Store
	// Real tells that the store's clock is not this process's, so that its
	// tests wait for real.
	Real bool
}

// Run runs the conformance suite against an engine.
func Run(t *testing.T, e Engine) {
	for _, c := range storeCases {
		t.Run(c.name, func(t *testing.T) {
			if e.Real {
				c.test(t, e.Open(t))
				return
			}
			synctest.Test(t, func(t *testing.T) { c.test(t, e.Open(t)) })
		})
	}
}

type storeCase struct {
	name string
	test func(*testing.T, scheduler.Store)
}

var storeCases = []storeCase{
	{"a job comes back as it was written", testJobBack},
	{"a wrong place does not matter", testPlace},
	{"a tick comes back as it was written", testTickBack},
	{"a change worked out from an old job is refused", testStaleJob},
	{"a change worked out from an old tick is refused whole", testStaleTick},
	{"a refused change does not touch its neighbours", testNeighbours},
	{"a tick that does not fit takes its job back", testHalf},
	{"of many changes each is answered in its place", testMany},
	{"definitions stay as they are where a change says so", testSameDefinition},
	{"an effect of an unknown type refuses the change", testUnknownEffect},
	{"of many who write at once one wins", testRace},
	{"due jobs come earliest first, and the next is told", testDue},
	{"rows are found by key, job, outcome and time", testTicks},
	{"purging keeps what is open, the newest, and what is not below Last", testPurge},
	{"no job has many more rows than are to be kept", testPurgeMany},
	{"what runs log is kept with their ticks", testLogs},
	{"replicas are there until they have been silent for a day", testReplicas},
	{"a removed job is listed only by name", testRemoved},
}

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

// sample is a job with every field filled in.
func sample(name string) *scheduler.State {
	def := &scheduler.Definition{
		Trigger: "every 1h", After: []string{"a", "b"}, Timeout: time.Minute,
		Overlap: scheduler.Allow(3), Misfire: scheduler.RunAll(7), Grace: time.Second,
		Retry: scheduler.Retry{Attempts: 2, Lost: 1, Backoff: time.Second, MaxBackoff: time.Hour},
		Alert: scheduler.Alert{Failures: 3, Silence: time.Hour}, Labels: []string{"gpu"}, AtStart: true,
	}
	declared := *def
	declared.Overlap = scheduler.QueueOne
	return &scheduler.State{
		Name: name, Definition: def, Declared: &declared, Version: 1,
		Due: epoch.Add(time.Hour), Last: epoch, Wake: epoch.Add(time.Minute),
		Paused: true, Fence: 12, Count: 34,
		Open: []scheduler.OpenTick{{Due: epoch, Running: true}, {Due: epoch.Add(1), Ready: epoch.Add(time.Minute)}},
		Record: &scheduler.Record{
			Due: epoch, Outcome: scheduler.Failed, Ended: epoch, Success: epoch, SuccessDue: epoch,
			Failures: 2, Alerted: epoch, Followed: epoch, Took: []time.Duration{time.Second, 1},
		},
	}
}

// sampleTick is a row with every field filled in.
func sampleTick(job string, due time.Time) *scheduler.Tick {
	return &scheduler.Tick{
		Job: job, Due: due, Outcome: scheduler.Running, Reason: "because of “this”\n", Asked: true,
		Count: 3, Until: due.Add(time.Hour), Attempt: 2, Fence: 12, Holder: "host/1/abc", Lease: 30 * time.Second,
		Ready: due.Add(time.Second), Started: due.Add(2 * time.Second), Ended: due.Add(3 * time.Second),
		Cancel: "stop", Progress: scheduler.Progress{Done: 3, Total: 9, Line: "folding"}, Version: 1,
		Earlier: []scheduler.Attempt{{Outcome: scheduler.Lost, Reason: "gone", Fence: 11, Holder: "host/2/def", Started: due, Ended: due.Add(1000)}},
	}
}

// plain is a job with nothing to look at.
func plain(name string) *scheduler.State {
	def := &scheduler.Definition{Trigger: "never"}
	return &scheduler.State{Name: name, Definition: def, Declared: def, Version: 1, Last: epoch}
}

// write writes changes and returns what became of them.
func write(t *testing.T, s scheduler.Store, changes ...scheduler.Change) []error {
	t.Helper()
	stood, err := s.Write(t.Context(), changes)
	if err != nil {
		t.Fatal(err)
	}
	return stood
}

// must writes changes that have to stand.
func must(t *testing.T, s scheduler.Store, changes ...scheduler.Change) {
	t.Helper()
	for i, err := range write(t, s, changes...) {
		if err != nil {
			t.Fatalf("change %d: %v", i, err)
		}
	}
}

func job(t *testing.T, s scheduler.Store, name string) *scheduler.State {
	t.Helper()
	list, err := s.Jobs(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 {
		t.Fatalf("%d jobs of the name %s", len(list), name)
	}
	return list[0]
}

func ticks(t *testing.T, s scheduler.Store, q scheduler.Query) []*scheduler.Tick {
	t.Helper()
	list, err := s.Ticks(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func testJobBack(t *testing.T, s scheduler.Store) {
	for _, name := range []string{"hot", "ein Name mit ü und ' \" %", "日本"} {
		want := sample(name)
		want.Open[1].Due = epoch.Add(time.Microsecond)
		must(t, s, scheduler.Change{Job: want})
		same(t, job(t, s, name), want)
		if got := job(t, s, name); !got.Definition.Equal(want.Definition) || !got.Declared.Equal(want.Declared) {
			t.Errorf("definition %+v\nwant %+v", got.Definition, want.Definition)
		}
	}
	empty := plain("empty")
	must(t, s, scheduler.Change{Job: empty})
	same(t, job(t, s, "empty"), empty)
}

func testPlace(t *testing.T, s scheduler.Store) {
	must(t, s, scheduler.Change{Job: plain("a")}, scheduler.Change{Job: plain("b")})
	a := job(t, s, "a")
	if b := job(t, s, "b"); a.Place != 0 && a.Place == b.Place {
		t.Errorf("both are at %d", a.Place)
	}
	for i, place := range []int{job(t, s, "b").Place, 1 << 30, -1, 0, a.Place} {
		st := plain("a")
		st.Version, st.Count, st.Place = int64(i)+2, i+1, place
		must(t, s, scheduler.Change{Job: st})
		if a, b := job(t, s, "a"), job(t, s, "b"); a.Count != i+1 || b.Version != 1 {
			t.Errorf("at place %d: a is %+v, b %+v", place, a, b)
		}
	}
}

func testTickBack(t *testing.T, s scheduler.Store) {
	want := sampleTick("hot", epoch)
	bare := &scheduler.Tick{Job: "hot", Due: epoch.Add(time.Hour), Outcome: scheduler.Waiting, Count: 1, Version: 1}
	must(t, s, scheduler.Change{Job: plain("hot"), Ticks: []*scheduler.Tick{want, bare}})
	got := ticks(t, s, scheduler.Query{})
	if len(got) != 2 {
		t.Fatalf("%d rows", len(got))
	}
	same(t, got[0], bare)
	same(t, got[1], want)
	usual := scheduler.Tick{
		Job: "hot", Due: epoch.Add(2 * time.Hour), Outcome: scheduler.Succeeded, Count: 1, Attempt: 1, Fence: 1, Version: 1,
		Ready: epoch.Add(2 * time.Hour), Started: epoch.Add(2 * time.Hour), Ended: epoch.Add(3 * time.Hour), Lease: time.Minute,
	}
	for i, change := range []func(*scheduler.Tick){
		func(*scheduler.Tick) {},
		func(t *scheduler.Tick) { t.Ended = t.Due.Add(24 * time.Hour) },
		func(t *scheduler.Tick) { t.Ended = t.Due.Add(1<<32*time.Microsecond - time.Microsecond) },
		func(t *scheduler.Tick) { t.Ready = t.Due.Add(-time.Second) },
		func(t *scheduler.Tick) { t.Started = time.Time{} },
		func(t *scheduler.Tick) { t.Fence = 1 << 33 },
		func(t *scheduler.Tick) { t.Attempt = 300 },
		func(t *scheduler.Tick) { t.Outcome, t.Reason = scheduler.Failed, "no room" },
	} {
		want, st := usual, plain("hot")
		change(&want)
		want.Version, st.Version = int64(i)+1, int64(i)+2
		must(t, s, scheduler.Change{Job: st, Ticks: []*scheduler.Tick{&want}})
		same(t, ticks(t, s, scheduler.Query{})[0], &want)
	}
}

// same compares by what is printed, which follows every pointer of a state
// but the definitions and shows instants to the nanosecond.
func same(t *testing.T, got, want any) {
	t.Helper()
	if g, w := printed(got), printed(want); g != w {
		t.Errorf("got  %s\nwant %s", g, w)
	}
}

func printed(v any) string {
	switch v := v.(type) {
	case *scheduler.State:
		c := *v
		record := c.Record
		c.Definition, c.Declared, c.Record, c.Place = nil, nil, nil, 0
		return fmt.Sprintf("%+v %+v", c, record)
	case *scheduler.Tick:
		return fmt.Sprintf("%+v", *v)
	}
	return fmt.Sprint(v)
}

func testStaleJob(t *testing.T, s scheduler.Store) {
	second := plain("hot")
	second.Version = 2
	if got := write(t, s, scheduler.Change{Job: second}); !errors.Is(got[0], scheduler.ErrStale) {
		t.Errorf("version 2 of a job that is not there: %v", got[0])
	}
	must(t, s, scheduler.Change{Job: plain("hot")})
	if got := write(t, s, scheduler.Change{Job: plain("hot")}); !errors.Is(got[0], scheduler.ErrStale) {
		t.Errorf("version 1 of a job that is there: %v", got[0])
	}
	second.Fence = 5
	must(t, s, scheduler.Change{Job: second})
	if got := write(t, s, scheduler.Change{Job: second}); !errors.Is(got[0], scheduler.ErrStale) {
		t.Errorf("the same once more: %v", got[0])
	}
	if got := job(t, s, "hot"); got.Fence != 5 || got.Version != 2 {
		t.Errorf("%+v", got)
	}
}

func testStaleTick(t *testing.T, s scheduler.Store) {
	first := sampleTick("hot", epoch)
	must(t, s, scheduler.Change{Job: plain("hot"), Ticks: []*scheduler.Tick{first}})

	again, late := plain("hot"), *first
	again.Version = 2
	got := write(t, s, scheduler.Change{Job: again, Ticks: []*scheduler.Tick{&late}})
	if !errors.Is(got[0], scheduler.ErrStale) {
		t.Errorf("a row that is there already: %v", got[0])
	}
	late.Version = 3
	got = write(t, s, scheduler.Change{Ticks: []*scheduler.Tick{&late}})
	if !errors.Is(got[0], scheduler.ErrStale) {
		t.Errorf("a row two versions ahead: %v", got[0])
	}
	if v := job(t, s, "hot").Version; v != 1 {
		t.Errorf("the job of a refused change has version %d", v)
	}
	late.Version, late.Outcome = 2, scheduler.Succeeded
	must(t, s, scheduler.Change{Ticks: []*scheduler.Tick{&late}})
	if got := ticks(t, s, scheduler.Query{}); len(got) != 1 || got[0].Outcome != scheduler.Succeeded {
		t.Errorf("%+v", got)
	}
}

func testNeighbours(t *testing.T, s scheduler.Store) {
	must(t, s, scheduler.Change{Job: plain("b")})
	tick := func(job string) []*scheduler.Tick { return []*scheduler.Tick{sampleTick(job, epoch)} }
	got := write(t, s,
		scheduler.Change{Job: plain("a"), Ticks: tick("a")},
		scheduler.Change{Job: plain("b"), Ticks: tick("b")},
		scheduler.Change{Job: plain("c"), Ticks: tick("c")},
	)
	if got[0] != nil || !errors.Is(got[1], scheduler.ErrStale) || got[2] != nil {
		t.Errorf("%v", got)
	}
	if n := len(ticks(t, s, scheduler.Query{})); n != 2 {
		t.Errorf("%d rows, want those of a and c", n)
	}
}

// testMany writes more changes than any engine takes in one piece, some of which
// do not stand.
func testMany(t *testing.T, s scheduler.Store) {
	const n = 700
	changes := make([]scheduler.Change, n)
	for i := range changes {
		name := fmt.Sprintf("job-%03d", i)
		changes[i] = scheduler.Change{Job: plain(name), Ticks: []*scheduler.Tick{sampleTick(name, epoch)}}
		if i%100 == 7 {
			changes[i].Job.Version = 2 // of a job that is not there
		}
	}
	for i, err := range write(t, s, changes...) {
		if stale := errors.Is(err, scheduler.ErrStale); stale != (i%100 == 7) || err != nil && !stale {
			t.Errorf("change %d: %v", i, err)
		}
	}
	if rows := ticks(t, s, scheduler.Query{Limit: -1}); len(rows) != n-n/100 {
		t.Errorf("%d rows", len(rows))
	}
}

// testHalf writes a change of which the job fits and the second tick does not.
func testHalf(t *testing.T, s scheduler.Store) {
	first := sampleTick("b", epoch)
	must(t, s, scheduler.Change{Job: plain("b"), Ticks: []*scheduler.Tick{first}})
	again := plain("b")
	again.Version = 2
	next := sampleTick("b", epoch.Add(time.Hour))
	got := write(t, s,
		scheduler.Change{Job: plain("a"), Ticks: []*scheduler.Tick{sampleTick("a", epoch)}},
		scheduler.Change{Job: again, SameDefinition: true, Ticks: []*scheduler.Tick{next, first}},
		scheduler.Change{Job: plain("c"), Ticks: []*scheduler.Tick{sampleTick("c", epoch)}},
	)
	if got[0] != nil || !errors.Is(got[1], scheduler.ErrStale) || got[2] != nil {
		t.Errorf("%v", got)
	}
	if n := len(ticks(t, s, scheduler.Query{})); n != 3 {
		t.Errorf("%d rows, want those of a and c, and the first of b", n)
	}
	if v := job(t, s, "b").Version; v != 1 {
		t.Errorf("the job of a refused change has version %d", v)
	}
}

func testSameDefinition(t *testing.T, s scheduler.Store) {
	want := sample("hot")
	must(t, s, scheduler.Change{Job: want})
	for _, same := range []bool{true, false, true} {
		want.Version++
		want.Fence++
		if !same {
			want.Definition, want.Declared = &scheduler.Definition{Trigger: "daily 05:00"}, &scheduler.Definition{Trigger: "hourly"}
		}
		must(t, s, scheduler.Change{Job: want, SameDefinition: same})
		got := job(t, s, "hot")
		if !got.Definition.Equal(want.Definition) || !got.Declared.Equal(want.Declared) || got.Fence != want.Fence {
			t.Errorf("same %v: definition %+v, declared %+v, fence %d", same, got.Definition, got.Declared, got.Fence)
		}
	}
}

type unknownEffect struct{}

func testUnknownEffect(t *testing.T, s scheduler.Store) {
	got := write(t, s,
		scheduler.Change{Job: plain("a"), Ticks: []*scheduler.Tick{sampleTick("a", epoch)}, Effects: []any{unknownEffect{}}},
		scheduler.Change{Job: plain("b")},
	)
	if !errors.Is(got[0], scheduler.ErrEffect) || got[1] != nil {
		t.Errorf("%v", got)
	}
	if list, err := s.Jobs(t.Context()); err != nil || len(list) != 1 || list[0].Name != "b" {
		t.Errorf("%d jobs, %v", len(list), err)
	}
	if n := len(ticks(t, s, scheduler.Query{})); n != 0 {
		t.Errorf("%d rows of a refused change", n)
	}
}

func testRace(t *testing.T, s scheduler.Store) {
	const writers, rounds = 8, 20
	must(t, s, scheduler.Change{Job: plain("hot")})
	won := make(chan int)
	for range writers {
		go func() {
			n := 0
			for v := int64(2); v < rounds+2; v++ {
				st := plain("hot")
				st.Version = v
				tick := sampleTick("hot", epoch.Add(time.Duration(v)*time.Second))
				stood, err := s.Write(context.Background(), []scheduler.Change{{Job: st, Ticks: []*scheduler.Tick{tick}}})
				if err == nil && stood[0] == nil {
					n++
				}
			}
			won <- n
		}()
	}
	all := 0
	for range writers {
		all += <-won
	}
	st, rows := job(t, s, "hot"), ticks(t, s, scheduler.Query{Limit: -1})
	if int64(all) != st.Version-1 || all != len(rows) || all == 0 {
		t.Errorf("%d writes stood, version %d, %d rows", all, st.Version, len(rows))
	}
}

func testDue(t *testing.T, s scheduler.Store) {
	ctx := t.Context()
	var got []string
	take := func(st *scheduler.State) bool {
		if st.Name == "other" {
			return false
		}
		got = append(got, st.Name)
		return true
	}
	due, err := s.Due(ctx, 5, take)
	if err != nil || len(got) != 0 || !due.Next.IsZero() || due.Now.IsZero() {
		t.Fatalf("%+v, %v", due, err)
	}
	if due.Now.Location() != time.UTC || !due.Now.Equal(due.Now.Truncate(time.Microsecond)) {
		t.Errorf("the clock says %v, want UTC to the microsecond", due.Now)
	}
	at := func(name string, d time.Duration) scheduler.Change {
		st := plain(name)
		st.Wake = due.Now.Add(d).Truncate(time.Microsecond)
		return scheduler.Change{Job: st}
	}
	must(t, s, at("c", -time.Minute), at("a", -time.Hour), at("b", -time.Second), at("other", -2*time.Hour),
		at("later", 2*time.Hour), at("next", time.Hour), scheduler.Change{Job: plain("never")})
	for limit, want := range map[int]string{0: "", 1: "a", 2: "a c", 10: "a c b"} {
		got = nil
		due, err := s.Due(ctx, limit, take)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("limit %d: %q, want %q", limit, got, want)
		}
		if limit == 10 && due.Next.Sub(due.Now).Round(time.Minute) != time.Hour {
			t.Errorf("next in %v", due.Next.Sub(due.Now))
		}
	}
}

func testTicks(t *testing.T, s scheduler.Store) {
	row := func(job string, hour int, o scheduler.Outcome) *scheduler.Tick {
		return &scheduler.Tick{Job: job, Due: epoch.Add(time.Duration(hour) * time.Hour), Outcome: o, Count: 1, Version: 1}
	}
	must(t, s,
		scheduler.Change{Job: plain("a"), Ticks: []*scheduler.Tick{row("a", 1, scheduler.Succeeded), row("a", 3, scheduler.Running)}},
		scheduler.Change{Job: plain("b"), Ticks: []*scheduler.Tick{row("b", 2, scheduler.Failed), row("b", 3, scheduler.Waiting)}})
	key := func(job string, hour int) scheduler.Key {
		return scheduler.Key{Job: job, Due: epoch.Add(time.Duration(hour) * time.Hour)}
	}
	for _, c := range []struct {
		name string
		q    scheduler.Query
		want string
	}{
		{"all", scheduler.Query{}, "a3 b3 b2 a1 "},
		{"limit", scheduler.Query{Limit: 2}, "a3 b3 "},
		{"job", scheduler.Query{Job: "a"}, "a3 a1 "},
		{"running", scheduler.Query{Outcome: scheduler.Running, Limit: -1}, "a3 "},
		{"failed", scheduler.Query{Outcome: scheduler.Failed}, "b2 "},
		{"before", scheduler.Query{Before: epoch.Add(3 * time.Hour)}, "b2 a1 "},
		{"keys", scheduler.Query{Keys: []scheduler.Key{key("a", 1), key("b", 3), key("b", 7)}}, "b3 a1 "},
		{"no keys", scheduler.Query{Keys: []scheduler.Key{}}, ""},
	} {
		var got strings.Builder
		for _, r := range ticks(t, s, c.q) {
			fmt.Fprintf(&got, "%s%.0f ", r.Job, r.Due.Sub(epoch).Hours())
		}
		if got.String() != c.want {
			t.Errorf("%s: %q, want %q", c.name, got.String(), c.want)
		}
	}
}

func testPurge(t *testing.T, s scheduler.Store) {
	due, err := s.Due(t.Context(), 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	row := func(days int, o scheduler.Outcome) *scheduler.Tick {
		at := due.Now.AddDate(0, 0, -days)
		return &scheduler.Tick{Job: "a", Due: at, Outcome: o, Count: 1, Ended: at, Version: 1}
	}
	st := plain("a")
	st.Last = due.Now.AddDate(0, 0, -1)
	must(t, s, scheduler.Change{Job: st, Ticks: []*scheduler.Tick{
		row(50, scheduler.Succeeded), row(49, scheduler.Running), row(40, scheduler.Waiting),
		row(10, scheduler.Failed), row(9, scheduler.Skipped), row(1, scheduler.Succeeded),
	}})
	days := func() string {
		var got strings.Builder
		for _, r := range ticks(t, s, scheduler.Query{Limit: -1}) {
			fmt.Fprintf(&got, "%.0f ", due.Now.Sub(r.Due).Hours()/24)
		}
		return got.String()
	}
	for _, c := range []struct {
		keep scheduler.Retention
		n    int
		want string
	}{
		{scheduler.Retention{}, 0, "1 9 10 40 49 50 "},
		{scheduler.Retention{Age: -1, Count: -1}, 0, "1 9 10 40 49 50 "},
		{scheduler.Retention{Age: 30 * 24 * time.Hour}, 1, "1 9 10 40 49 "},
		{scheduler.Retention{Age: 30 * 24 * time.Hour, Count: 2}, 1, "1 9 40 49 "},
		{scheduler.Retention{Age: time.Hour, Count: 1}, 1, "1 40 49 "},
	} {
		n, err := s.Purge(t.Context(), c.keep)
		if err != nil || n != c.n || days() != c.want {
			t.Errorf("%+v: %d purged, %v, left %q, want %q", c.keep, n, err, days(), c.want)
		}
	}
}

func testRemoved(t *testing.T, s scheduler.Store) {
	gone := plain("gone")
	gone.Removed = true
	must(t, s, scheduler.Change{Job: gone}, scheduler.Change{Job: plain("there")})
	list, err := s.Jobs(t.Context())
	if err != nil || len(list) != 1 || list[0].Name != "there" {
		t.Errorf("%d jobs, %v", len(list), err)
	}
	if !job(t, s, "gone").Removed {
		t.Error("a removed job does not say so")
	}
	if list, err := s.Jobs(t.Context(), "nobody", "there", "gone"); err != nil || len(list) != 2 || list[0].Name != "gone" {
		t.Errorf("%d jobs by name, %v", len(list), err)
	}
}
