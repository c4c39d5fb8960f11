package metrics_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/metrics"
	"github.com/beforehand-go/beforehand/scheduler"
)

func Example() {
	s, err := scheduler.New(scheduler.Config{Store: memory.New().Jobs()})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()

	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.New(s))
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	fmt.Println(strings.Contains(w.Body.String(), "beforehand_scheduler_healthy 1"))
	// Output:
	// true
}
