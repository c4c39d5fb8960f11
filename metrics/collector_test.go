package metrics_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/metrics"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

func TestCollector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := scheduler.New(scheduler.Config{Store: memory.New().Jobs()})
		if err != nil {
			t.Fatal(err)
		}
		err = s.Add(t.Context(), scheduler.Job{Name: "hot", Trigger: trigger.Every(time.Hour), Run: func(_ context.Context, r *scheduler.Run) error {
			time.Sleep(90 * time.Minute)
			if r.Due.Hour() == 3 {
				return errors.New("no such table")
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		c := metrics.New(s)
		defer c.Close()
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(c)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		time.Sleep(5*time.Hour + time.Minute)
		got := gather(t, registry)
		for name, want := range map[string]float64{
			"beforehand_job_ticks_total hot succeeded":      1,
			"beforehand_job_ticks_total hot skipped":        2,
			"beforehand_job_ticks_total hot failed":         1,
			"beforehand_job_lateness_seconds hot":           3,
			"beforehand_job_duration_seconds hot":           2,
			"beforehand_job_running hot":                    1,
			"beforehand_job_next_due_timestamp_seconds hot": float64(time.Date(2000, 1, 1, 6, 0, 0, 0, time.UTC).Unix()),
			"beforehand_scheduler_healthy":                  1,
		} {
			if got[name] != want {
				t.Errorf("%s is %v, want %v", name, got[name], want)
			}
		}
		stop()
		if err := <-done; err == nil {
			t.Error("the run that ignored its context was not reported")
		}
		time.Sleep(2 * time.Hour)
	})
}

// gather reads all metrics: a gauge's or counter's value, a histogram's count.
func gather(t *testing.T, r *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var name strings.Builder
			name.WriteString(f.GetName())
			for _, l := range m.GetLabel() {
				name.WriteString(" " + l.GetValue())
			}
			values[name.String()] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return values
}
