package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// TestMetrics counts some pageviews and looks at what Prometheus is told.
func TestMetrics(t *testing.T) {
	c := appConfig{log: slog.New(slog.DiscardHandler)}
	if err := c.settle(stdio{strings.NewReader(""), io.Discard, io.Discard}, []string{"--data", t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	a, err := openApp(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	h := a.server.Handler()
	ask := func(path string) string {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+path, http.NoBody)
		r.RemoteAddr = "127.0.0.1:1"
		r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0")
		r.Header.Set("Referer", "http://localhost/page")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Body.String()
	}
	for range 3 {
		ask("/b.gif")
	}
	text := ask("/metrics")
	for _, want := range []string{
		"beforehand_pageviews_kept_total 3\n", "beforehand_pageviews_refused_total 0\n", "beforehand_pageviews_waiting_bytes 0\n",
		"beforehand_arrived_total{bot=\"\",left=\"\",site=\"default\",source=\"pixel\"} 3\n", "beforehand_reads_total{report=\"default/hot\"} 0\n",
		"beforehand_disk_free_bytes ", "beforehand_pageviews_size_bytes ", "beforehand_scheduler_healthy ", "go_goroutines ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "beforehand_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}
