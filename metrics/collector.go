package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/beforehand-go/beforehand/scheduler"
)

// Collector is a prometheus.Collector for one scheduler. Make one with New and
// register it.
//
// Counters and histograms are of this process. What runs and what is due next
// is read from the store when the metrics are, and is left out if the store
// does not answer within two seconds.
type Collector struct {
	scheduler *scheduler.Scheduler
	stop      func()

	lateness, duration *prometheus.HistogramVec
	ticks, events      *prometheus.CounterVec
}

var (
	running = prometheus.NewDesc("beforehand_job_running", "Runs under way, in whichever process.", []string{"job"}, nil)
	due     = prometheus.NewDesc("beforehand_job_next_due_timestamp_seconds", "When the job is due next.", []string{"job"}, nil)
	success = prometheus.NewDesc("beforehand_job_last_success_timestamp_seconds", "When a run of the job last succeeded.", []string{"job"}, nil)
	paused  = prometheus.NewDesc("beforehand_job_paused", "1 if the job is paused.", []string{"job"}, nil)
	healthy = prometheus.NewDesc("beforehand_scheduler_healthy", "1 if the store answers, the loop moves and no run is stuck.", nil, nil)
	waiting = prometheus.NewDesc("beforehand_scheduler_waiting", "Ticks held by this process until there is room.", nil, nil)
)

// New observes a scheduler until Close is called.
func New(s *scheduler.Scheduler) *Collector {
	histogram := func(name, help string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: name, Help: help, Buckets: []float64{.005, .02, .1, .5, 2, 10, 60, 300, 1800, 7200},
		}, []string{"job"})
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	c := &Collector{
		scheduler: s,
		lateness:  histogram("beforehand_job_lateness_seconds", "How long after its due instant a tick's first run began."),
		duration:  histogram("beforehand_job_duration_seconds", "How long runs took."),
		ticks:     counter("beforehand_job_ticks_total", "Ticks that ended, by outcome; lost is of runs.", "job", "outcome"),
		events:    counter("beforehand_scheduler_events_total", "What else happened, by kind.", "kind"),
	}
	c.stop = s.Observe(c.observe)
	return c
}

// Close stops observing.
func (c *Collector) Close() { c.stop() }

func (c *Collector) observe(e scheduler.Event) {
	t := &e.Tick
	switch e.Kind {
	case scheduler.Started:
		if t.Attempt == 1 {
			c.lateness.WithLabelValues(e.Job).Observe(max(0, t.Started.Sub(t.Due).Seconds()))
		}
	case scheduler.Ended:
		c.duration.WithLabelValues(e.Job).Observe(t.Ended.Sub(t.Started).Seconds())
		if !t.Outcome.Open() {
			c.ticks.WithLabelValues(e.Job, string(t.Outcome)).Inc()
		}
	case scheduler.Passed:
		c.ticks.WithLabelValues(e.Job, string(t.Outcome)).Add(float64(t.Count))
	case scheduler.LostLease:
		c.ticks.WithLabelValues(e.Job, string(scheduler.Lost)).Inc()
	default:
		c.events.WithLabelValues(string(e.Kind)).Inc()
	}
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, v := range c.vectors() {
		v.Describe(ch)
	}
	for _, d := range []*prometheus.Desc{running, due, success, paused, healthy, waiting} {
		ch <- d
	}
}

func (c *Collector) vectors() []prometheus.Collector {
	return []prometheus.Collector{c.lateness, c.duration, c.ticks, c.events}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	for _, v := range c.vectors() {
		v.Collect(ch)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	h := c.scheduler.Health()
	gauge(healthy, one(h.OK))
	gauge(waiting, float64(h.Waiting))
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	list, err := c.scheduler.List(ctx)
	if err != nil {
		return
	}
	for _, st := range list {
		gauge(running, float64(len(st.Running)), st.Name)
		gauge(paused, one(st.Paused), st.Name)
		if !st.Due.IsZero() {
			gauge(due, seconds(st.Due), st.Name)
		}
		if r := st.Record; r != nil && !r.Success.IsZero() {
			gauge(success, seconds(r.Success), st.Name)
		}
	}
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }
