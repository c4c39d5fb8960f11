package metrics

import (
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/beforehand-go/beforehand"
)

// Readers is a prometheus.Collector of what one process hands to readers of a
// site's reports, and of how long they wait. Its counters begin with the process.
//
// What is saved is the difference of the two times,
//
//	rate(beforehand_reads_would_have_waited_seconds_total[1h]) - rate(beforehand_reads_waited_seconds_total[1h])
//
// which is no counter of its own, because it goes down where a result is computed
// faster than it is sent.
type Readers struct{ site *beforehand.Site }

// NewReaders collects what readers of a site's reports got.
func NewReaders(s *beforehand.Site) Readers { return Readers{s} }

var (
	reads     = prometheus.NewDesc("beforehand_reads_total", "Answers handed to readers of a report, finished beforehand, or \"not modified\".", []string{"report"}, nil)
	waited    = prometheus.NewDesc("beforehand_reads_waited_seconds_total", "How long readers waited, from their request to the end of its answer.", []string{"report"}, nil)
	wouldHave = prometheus.NewDesc("beforehand_reads_would_have_waited_seconds_total", "How long they would have waited for a computation: the time that the run of the result took, once for each answer.", []string{"report"}, nil)
)

// Describe implements prometheus.Collector.
func (r Readers) Describe(ch chan<- *prometheus.Desc) {
	ch <- reads
	ch <- waited
	ch <- wouldHave
}

// Collect implements prometheus.Collector.
func (r Readers) Collect(ch chan<- prometheus.Metric) {
	served := r.site.Served()
	for _, report := range slices.Sorted(maps.Keys(served)) {
		w := served[report]
		for desc, value := range map[*prometheus.Desc]float64{reads: float64(w.Reads), waited: w.Waited().Seconds(), wouldHave: w.WouldHave().Seconds()} {
			ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, value, report)
		}
	}
}
