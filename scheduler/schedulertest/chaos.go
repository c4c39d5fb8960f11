package schedulertest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
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
// it is killed, if Chaos has started it, and else skips. Each run is written to
// a file of the process, outside the store.
func ChaosProcess(t *testing.T, open func(dsn string) (scheduler.Store, error)) {
	dsn := os.Getenv(chaosStore)
	if dsn == "" {
		t.Skip("this is a process of TestChaos")
	}
	store, err := open(dsn)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(os.Getenv(chaosFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	s, err := scheduler.New(scheduler.Config{Store: store, Lease: chaosLease, MaxRuns: 16, Poll: 200 * time.Millisecond, Shutdown: time.Second})
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
// them has written down with the ledger. It takes ten seconds, two minutes
// with BEFOREHAND_PROVE=1. Meanwhile it calls harm every now and then, if that
// is not nil.
func Chaos(t *testing.T, dsn string, store scheduler.Store, harm func()) {
	last := 10 * time.Second
	if os.Getenv("BEFOREHAND_PROVE") == "1" {
		last = 2 * time.Minute
	}
	c := &chaos{t: t, dsn: dsn, dir: t.TempDir(), ps: make([]*exec.Cmd, 5)}
	defer c.stop(syscall.SIGKILL)
	first := c.declare(store)
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
	c.stop(syscall.SIGTERM)
	c.verify(store, first, calm)
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

// verify joins the files with the ledger.
func (c *chaos) verify(store scheduler.Store, first map[string]time.Time, calm time.Time) {
	n := newNotes()
	files, err := filepath.Glob(filepath.Join(c.dir, "*"))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, name := range files {
		n.readFile(c.t, name)
	}
	rows, err := store.Ticks(c.t.Context(), scheduler.Query{Limit: -1})
	if err != nil {
		c.t.Fatal(err)
	}
	states, err := store.Jobs(c.t.Context())
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
		if a := n.calls[attempt{r.Key(), r.Fence}]; r.Outcome == scheduler.Failed && (a == nil || a.err == nil) {
			n.complain("%s failed (%s), its run says %+v", r.Key(), r.Reason, a)
		}
	}
	wrong := n.check(rows, states, triggers, first, calm)
	for i, s := range wrong[:min(len(wrong), 20)] {
		c.t.Errorf("%d of %d: %s", i+1, len(wrong), s)
	}
	if counts[scheduler.Succeeded] == 0 {
		c.t.Error("nothing succeeded")
	}
	c.t.Logf("%d kills, %d pauses; %d runs of %d rows; ticks %v; %d attempts before the last", c.kills, c.pauses, len(n.calls), len(rows), counts, again)
}

// readFile reads what a process has written down.
func (n *notes) readFile(t *testing.T, name string) {
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) != 4 {
			continue // the last words of a process that was killed
		}
		var fence, at int64
		key, ok := scheduler.ParseKey(words[1])
		_, err := fmt.Sscan(words[2]+" "+words[3], &fence, &at)
		if !ok || err != nil {
			t.Errorf("%s: cannot read %q", name, lines.Text())
			continue
		}
		if words[0] == "start" {
			n.begin(&scheduler.Run{Job: key.Job, Due: key.Due, Fence: fence}).start = time.Unix(0, at)
			continue
		}
		err = nil
		if words[0] == "failure" {
			err = errors.New("simulated failure")
		}
		if c := n.calls[attempt{key, fence}]; c != nil {
			n.end(c, err)
		}
	}
}
