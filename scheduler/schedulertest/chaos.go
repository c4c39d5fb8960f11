package schedulertest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

// The processes of Chaos find here what they need.
const (
	chaosStore = "BEFOREHAND_CHAOS_STORE"
	chaosFile  = "BEFOREHAND_CHAOS_FILE"
)

const (
	chaosJobs  = 200 // each due once a second
	chaosLease = 2 * time.Second
)

// ChaosProcess is what a test named TestChaosProcess calls: it runs jobs until
// it is killed, if Chaos has started it, and else skips. Each run, and whatever
// the store accepted, is written to a file of the process, outside the store.
func ChaosProcess(t *testing.T, open func(dsn string) (scheduler.Store, error)) {
	dsn := os.Getenv(chaosStore)
	if dsn == "" {
		t.Skip("this is a process of TestChaos")
	}
	store, err := open(dsn)
	for end := time.Now().Add(time.Minute); err != nil && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond) // another process may be stopped amid a write
		store, err = open(dsn)
	}
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(os.Getenv(chaosFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	s, err := scheduler.New(scheduler.Config{Store: witness{store, file}, Lease: chaosLease, MaxRuns: 16, Poll: 200 * time.Millisecond, Shutdown: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	jobs := chaosJobList(func(_ context.Context, r *scheduler.Run) error {
		say := func(what string) {
			fmt.Fprintf(file, "%s %s %d %d\n", what, r.Key(), r.Fence, time.Now().UnixNano())
		}
		say("start")
		time.Sleep(rand.N(20 * time.Millisecond))
		if err := Commit(r, 0); err != nil {
			return err
		}
		if rand.IntN(20) == 0 {
			say("failure")
			return errors.New("simulated failure")
		}
		say("success")
		return nil
	})
	for s.Add(ctx, jobs...) != nil && ctx.Err() == nil {
		time.Sleep(50 * time.Millisecond)
	}
	if err := s.Run(ctx); err != nil {
		t.Error(err)
	}
}

// A witness writes down which rows the store has accepted.
type witness struct {
	scheduler.Store
	file io.Writer
}

func (w witness) Write(ctx context.Context, changes []scheduler.Change) ([]error, error) {
	stood, err := w.Store.Write(ctx, changes)
	if err != nil {
		return nil, err
	}
	for i, c := range changes {
		for _, t := range c.Ticks {
			if stood[i] == nil {
				fmt.Fprintf(w.file, "accepted %s %d %d %s\n", t.Key(), t.Fence, t.Version, t.Outcome)
			}
		}
	}
	return stood, nil
}

func chaosJobList(run func(context.Context, *scheduler.Run) error) []scheduler.Job {
	jobs := make([]scheduler.Job, chaosJobs)
	for i := range jobs {
		anchor := time.Unix(0, int64(i)*int64(time.Second)/chaosJobs)
		jobs[i] = scheduler.Job{
			Name: fmt.Sprintf("job-%03d", i), Trigger: trigger.Every(time.Second).From(anchor), Run: run,
			Retry: scheduler.Retry{Lost: 20},
		}
	}
	return jobs
}

// Chaos starts five processes of this test on one store, kills them with -9
// and stops them beyond their lease at random, and then joins what each of
// them has written down with the ledger and with what their runs committed. It
// takes ten seconds, two minutes with BEFOREHAND_PROVE=1. Meanwhile it calls
// harm every now and then, if that is not nil.
func Chaos(t *testing.T, dsn string, state State, harm func()) {
	last := 10 * time.Second
	if os.Getenv("BEFOREHAND_PROVE") == "1" {
		last = 2 * time.Minute
	}
	c := &chaos{t: t, dsn: dsn, dir: t.TempDir(), ps: make([]*exec.Cmd, 5)}
	defer c.stop(syscall.SIGKILL)
	first := c.declare(state.Jobs())
	for i := range c.ps {
		c.ps[i] = c.start()
	}
	end := time.Now().Add(last)
	for time.Now().Before(end) {
		time.Sleep(rand.N(time.Second))
		c.hurt(rand.IntN(len(c.ps)))
		if harm != nil && rand.IntN(5) == 0 {
			harm()
		}
	}
	calm := time.Now()
	for _, p := range c.ps {
		_ = p.Process.Signal(syscall.SIGCONT)
	}
	time.Sleep(6 * chaosLease)
	settle(t, state.Jobs(), calm)
	c.stop(syscall.SIGTERM)
	c.verify(state, first, calm)
}

// chaos is a Chaos under way.
type chaos struct {
	t             *testing.T
	dsn, dir      string
	ps            []*exec.Cmd
	started       int
	kills, pauses int
}

func (c *chaos) declare(store scheduler.Store) map[string]time.Time {
	s, err := scheduler.New(scheduler.Config{Store: store})
	if err == nil {
		err = s.Add(c.t.Context(), chaosJobList(nil)...)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	states, err := store.Jobs(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	first := map[string]time.Time{}
	for _, st := range states {
		first[st.Name] = st.Due
	}
	return first
}

func (c *chaos) start() *exec.Cmd {
	c.started++
	p := exec.Command(os.Args[0], "-test.run=^TestChaosProcess$", "-test.timeout=10m")
	p.Env = append(os.Environ(), chaosStore+"="+c.dsn, chaosFile+"="+filepath.Join(c.dir, fmt.Sprintf("%04d", c.started)))
	p.Stdout, p.Stderr = os.Stdout, os.Stderr
	if os.Getenv("BEFOREHAND_PROVE") == "" {
		p.Stdout = nil
	}
	if err := p.Start(); err != nil {
		c.t.Fatal(err)
	}
	return p
}

// hurt kills a process and starts another, or stops it beyond its lease.
func (c *chaos) hurt(i int) {
	p := c.ps[i]
	if rand.IntN(2) == 0 {
		c.kills++
		_ = p.Process.Signal(syscall.SIGKILL)
		_ = p.Wait()
		c.ps[i] = c.start()
		return
	}
	c.pauses++
	_ = p.Process.Signal(syscall.SIGSTOP)
	time.AfterFunc(chaosLease+rand.N(2*chaosLease), func() { _ = p.Process.Signal(syscall.SIGCONT) })
}

func (c *chaos) stop(sig syscall.Signal) {
	for _, p := range c.ps {
		if p != nil && p.ProcessState == nil {
			_ = p.Process.Signal(sig)
			_ = p.Wait()
		}
	}
}

// settle waits until every tick that was due by then has ended, for as long as a
// machine may need that is busy with other tests.
func settle(t *testing.T, store scheduler.Store, calm time.Time) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		states, err := store.Jobs(t.Context())
		states = slices.DeleteFunc(states, func(st *scheduler.State) bool {
			return (st.Due.IsZero() || st.Due.After(calm)) &&
				!slices.ContainsFunc(st.Open, func(o scheduler.OpenTick) bool { return !o.Due.After(calm) })
		})
		switch {
		case err == nil && len(states) == 0:
			return
		case time.Now().After(end):
			t.Errorf("%d jobs have ticks from before the calm that go on; error %v", len(states), err)
			return
		}
	}
}

// verify joins the files with the ledger.
func (c *chaos) verify(state State, first map[string]time.Time, calm time.Time) {
	n := newNotes()
	files, err := filepath.Glob(filepath.Join(c.dir, "*"))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, name := range files {
		n.readFile(c.t, name)
	}
	ctx, store := c.t.Context(), state.Jobs()
	rows, err := store.Ticks(ctx, scheduler.Query{Limit: -1})
	if err != nil {
		c.t.Fatal(err)
	}
	states, err := store.Jobs(ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	triggers := map[string]trigger.Trigger{}
	for _, j := range chaosJobList(nil) {
		triggers[j.Name] = j.Trigger
	}
	counts, again := map[scheduler.Outcome]int{}, 0
	for _, r := range rows {
		counts[r.Outcome] += r.Count
		again += len(r.Earlier)
		n.checkChaos(r)
	}
	wrong, effects := checkEffects(ctx, rows, state.Snapshots())
	wrong = append(n.check(rows, states, triggers, first, calm), wrong...)
	for i, s := range wrong[:min(len(wrong), 20)] {
		c.t.Errorf("%d of %d: %s", i+1, len(wrong), s)
	}
	if counts[scheduler.Succeeded] == 0 {
		c.t.Error("nothing succeeded")
	}
	c.t.Logf("%d kills, %d pauses; %d runs, %d accepted writes of %d rows; ticks %v, %d effects; %d attempts before the last; %d violations",
		c.kills, c.pauses, len(n.calls), n.accepts(), len(rows), counts, effects, again, len(wrong))
}

// checkChaos holds the outcome of a row to what its last run has written down,
// which returned nil or one error and was never told to stop.
func (n *notes) checkChaos(t *scheduler.Tick) {
	a := n.calls[attempt{t.Key(), t.Fence}]
	switch t.Outcome {
	case scheduler.TimedOut, scheduler.Cancelled:
		n.complain("%s is %s: nobody asked for that", t.Key(), t.Outcome)
	case scheduler.Failed:
		if a == nil || !a.returned || a.err == nil {
			n.complain("%s failed (%s), its run says %+v", t.Key(), t.Reason, a)
		}
	}
}

// accepts counts the writes the store has accepted.
func (n *notes) accepts() (sum int) {
	for _, writes := range n.writes {
		sum += len(writes)
	}
	return sum
}

// readFile reads what a process has written down.
func (n *notes) readFile(t *testing.T, name string) {
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if err := n.readLine(lines.Text()); err != nil {
			t.Errorf("%s: cannot read %q: %v", name, lines.Text(), err)
		}
	}
}

// readLine reads a line: what happened, the tick, the fence, and when it was or
// which version of the row was accepted, and with which outcome.
func (n *notes) readLine(line string) error {
	words := strings.SplitN(line, " ", 5)
	if len(words) < 4 {
		return nil // the last words of a process that was killed
	}
	key, ok := scheduler.ParseKey(words[1])
	if !ok {
		return errors.New("no key")
	}
	var fence, number int64
	if _, err := fmt.Sscan(words[2]+" "+words[3], &fence, &number); err != nil {
		return err
	}
	switch words[0] {
	case "start":
		n.begin(&scheduler.Run{Job: key.Job, Due: key.Due, Fence: fence}).start = time.Unix(0, number)
	case "accepted":
		n.write(key, number, wrote{scheduler.Outcome(words[4]), fence})
	case "success":
		n.end(n.calls[attempt{key, fence}], nil)
	case "failure":
		n.end(n.calls[attempt{key, fence}], errors.New("simulated failure"))
	}
	return nil
}
