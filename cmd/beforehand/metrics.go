package main

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/metrics"
)

// metricsOf serves what Prometheus collects: a site's jobs and runs, and this
// process.
func metricsOf(site *beforehand.Site) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.New(site.Scheduler()), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}
