package scheduler_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/go-co-op/gocron/v2"
	netresearch "github.com/netresearch/go-cron"
	"github.com/reugn/go-quartz/job"
	"github.com/reugn/go-quartz/quartz"
	robfig "github.com/robfig/cron/v3"

	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

// A peer is a scheduler that can be given jobs before and after it is started.
type peer interface {
	// add adds the i-th job, which is due each period, offset after its start.
	add(i int, period, offset time.Duration, run func())
	start()
	stop()
}

var peers = []struct {
	name string
	make func(testing.TB) peer
}{
	{"beforehand", newOurs},
	{"robfig", func(testing.TB) peer { return robfigPeer{robfig.New()} }},
	{"netresearch", func(testing.TB) peer { return netresearchPeer{netresearch.New()} }},
	{"gocron", newGocron},
	{"go-quartz", newQuartz},
}

// ours keeps jobs and ledger in memory.
type ours struct {
	testing.TB
	*scheduler.Scheduler
	ctx    context.Context
	cancel context.CancelFunc
	runs   sync.WaitGroup
}

func newOurs(tb testing.TB) peer {
	s, err := scheduler.New(scheduler.Config{Store: memory.New().Jobs(), MaxRuns: 64})
	if err != nil {
		tb.Fatal(err)
	}
	o := &ours{TB: tb, Scheduler: s}
	o.ctx, o.cancel = context.WithCancel(context.Background())
	return o
}

func (o *ours) add(i int, period, offset time.Duration, run func()) {
	t := trigger.Every(period)
	if offset > 0 {
		t = t.From(time.Unix(0, int64(offset)))
	}
	err := o.Add(o.ctx, scheduler.Job{
		Name: fmt.Sprintf("job-%07d", i), Trigger: t,
		Run: func(context.Context, *scheduler.Run) error { run(); return nil },
	})
	if err != nil {
		o.Fatal(err)
	}
}

func (o *ours) start() {
	o.runs.Go(func() {
		if err := o.Run(o.ctx); err != nil {
			o.Error(err)
		}
	})
}

func (o *ours) stop() { o.cancel(); o.runs.Wait() }

// each is a schedule of robfig/cron and of netresearch/go-cron.
type each struct{ period, offset time.Duration }

func (e each) Next(t time.Time) time.Time {
	past := (time.Duration(t.UnixNano()) - e.offset) % e.period
	return t.Add(e.period - past)
}

type robfigPeer struct{ *robfig.Cron }

func (p robfigPeer) add(_ int, period, offset time.Duration, run func()) {
	p.Schedule(each{period, offset}, robfig.FuncJob(run))
}
func (p robfigPeer) start() { p.Start() }
func (p robfigPeer) stop()  { <-p.Stop().Done() }

type netresearchPeer struct{ *netresearch.Cron }

func (p netresearchPeer) add(_ int, period, offset time.Duration, run func()) {
	p.Schedule(each{period, offset}, netresearch.FuncJob(run))
}
func (p netresearchPeer) start() { p.Start() }
func (p netresearchPeer) stop()  { <-p.Stop().Done() }

type gocronPeer struct {
	testing.TB
	gocron.Scheduler
}

func newGocron(tb testing.TB) peer {
	s, err := gocron.NewScheduler()
	if err != nil {
		tb.Fatal(err)
	}
	return gocronPeer{tb, s}
}

func (p gocronPeer) add(_ int, period, offset time.Duration, run func()) {
	first := each{period, offset}.Next(time.Now())
	_, err := p.NewJob(gocron.DurationJob(period), gocron.NewTask(run), gocron.WithStartAt(gocron.WithStartDateTime(first)))
	if err != nil {
		p.Fatal(err)
	}
}
func (p gocronPeer) start() { p.Start() }

func (p gocronPeer) stop() {
	if err := p.Shutdown(); err != nil {
		p.Log(err) // with 100,000 jobs it does not stop in its ten seconds
	}
}

type quartzPeer struct {
	testing.TB
	quartz.Scheduler
}

func newQuartz(tb testing.TB) peer {
	s, err := quartz.NewStdScheduler()
	if err != nil {
		tb.Fatal(err)
	}
	return quartzPeer{tb, s}
}

// NextFireTime and Description make each a trigger of go-quartz.
func (e each) NextFireTime(after int64) (int64, error) {
	return e.Next(time.Unix(0, after)).UnixNano(), nil
}

func (e each) Description() string { return fmt.Sprint(e.period, e.offset) }

func (p quartzPeer) add(i int, period, offset time.Duration, run func()) {
	call := job.NewFunctionJob(func(context.Context) (bool, error) { run(); return true, nil })
	err := p.ScheduleJob(quartz.NewJobDetail(call, quartz.NewJobKey(fmt.Sprintf("job-%07d", i))), each{period, offset})
	if err != nil {
		p.Fatal(err)
	}
}
func (p quartzPeer) start() { p.Start(context.Background()) }
func (p quartzPeer) stop()  { p.Stop() }
