package main

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/beforehand-go/beforehand/clickhouse"
	"github.com/beforehand-go/beforehand/metrics"
	"github.com/beforehand-go/beforehand/pageview"
)

// serveMetrics serves what Prometheus collects: jobs and runs, pageviews,
// readers, and this process.
func (a *app) serveMetrics() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics.New(a.site.Scheduler()), metrics.NewReaders(a.site), &usage{a}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// usage collects what a server takes in and hands out.
type usage struct {
	app *app
}

var (
	arrivedDesc = describe("arrived_total", "Pageviews that came over HTTP one by one, by what became of them: left is why one is left out, bot why it is no person's.", "site", "source", "left", "bot")
	keptDesc    = describe("pageviews_kept_total", "Pageviews whose senders were told that they are kept.")
	refusedDesc = describe("pageviews_refused_total", "Pageviews whose senders were told to come back: too many wait, or the disk is full.")
	waitingDesc = describe("pageviews_waiting_bytes", "Pageviews that wait to be written.")
	roomDesc    = describe("pageviews_room_bytes", "Pageviews that may wait to be written; more are refused.")
	sizeDesc    = describe("pageviews_size_bytes", "The store of pageviews on disk.")
	foldedDesc  = describe("pageviews_folded_timestamp_seconds", "When pageviews were last added up.")
	spooledDesc = describe("spool_rows", "Pageviews and stays on this replica's disk that ClickHouse does not have yet.")
	spoolDesc   = describe("spool_bytes", "What they take.")
	oldestDesc  = describe("spool_oldest_timestamp_seconds", "When the oldest of them came; not there while nothing waits.")
	freeDesc    = describe("disk_free_bytes", "Free space where the data directory is.")
	diskDesc    = describe("disk_size_bytes", "Space where the data directory is.")
	expiresDesc = describe("certificate_expires_timestamp_seconds", "When a certificate expires.", "certificate")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("beforehand_"+name, help, labels, nil)
}

// Describe implements prometheus.Collector.
func (u *usage) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		arrivedDesc, keptDesc, refusedDesc, waitingDesc, roomDesc, sizeDesc, foldedDesc, spooledDesc, spoolDesc, oldestDesc, freeDesc, diskDesc, expiresDesc,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (u *usage) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	if store, ok := u.app.store.(pageview.Loaded); ok {
		l := store.Load()
		counter(keptDesc, l.Kept)
		counter(refusedDesc, l.Refused)
		gauge(waitingDesc, float64(l.Waiting))
		gauge(roomDesc, float64(l.Room))
		if l.Size > 0 {
			gauge(sizeDesc, float64(l.Size))
		}
		if !l.Folded.IsZero() {
			gauge(foldedDesc, seconds(l.Folded))
		}
	}
	if store, ok := u.app.store.(*clickhouse.Store); ok {
		if w, err := store.Waiting(context.Background()); err == nil {
			gauge(spooledDesc, float64(w.Rows))
			gauge(spoolDesc, float64(w.Bytes))
			if !w.Oldest.IsZero() {
				gauge(oldestDesc, seconds(w.Oldest))
			}
		}
	}
	for i, site := range u.app.sites {
		for _, v := range u.app.receiver.Arrivals(site.Name) {
			name := site.Name
			if v.Nobodys() {
				if i > 0 {
					continue // every site tells of those
				}
				name = ""
			}
			counter(arrivedDesc, v.Count, name, v.Source.String(), v.Left, v.Bot)
		}
	}
	if free, total, err := u.app.space(u.app.dir.Path); err == nil && total > 0 {
		gauge(freeDesc, float64(free))
		gauge(diskDesc, float64(total))
	}
	if u.app.certificates != nil {
		for name, end := range u.app.certificates.Expires() {
			gauge(expiresDesc, seconds(end), name)
		}
	}
}

func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }
