package metrics_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/metrics"
)

// slowWriter is a reader at the end of a slow line.
type slowWriter struct{ *httptest.ResponseRecorder }

func (w slowWriter) Write(p []byte) (int, error) {
	time.Sleep(20 * time.Millisecond)
	return w.ResponseRecorder.Write(p)
}

func TestReadersWaitIsCountedBesideWhatTheyWouldHave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site, err := beforehand.Open(t.Context(), beforehand.Config{State: memory.New()})
		if err != nil {
			t.Fatal(err)
		}
		hot := beforehand.New(site, "blog/hot", func(context.Context) (int, error) {
			time.Sleep(10 * time.Second)
			return 1, nil
		}, beforehand.Policy{})
		beforehand.New(site, "blog/unread", func(context.Context) (int, error) { return 1, nil }, beforehand.Policy{})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- site.Run(ctx) }()
		time.Sleep(2 * time.Hour)
		for range 3 {
			hot.ServeHTTP(slowWriter{httptest.NewRecorder()}, httptest.NewRequest(http.MethodGet, "/hot.json", nil))
		}
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(metrics.NewReaders(site))
		got := gather(t, registry)
		for name, want := range map[string]float64{
			"beforehand_reads_total blog/hot":                           3,
			"beforehand_reads_waited_seconds_total blog/hot":            .06,
			"beforehand_reads_would_have_waited_seconds_total blog/hot": 30,
			"beforehand_reads_total blog/unread":                        0,
		} {
			if value, ok := got[name]; !ok || value != want {
				t.Errorf("%s is %v, want %v", name, value, want)
			}
		}
		stop()
		<-done
	})
}
