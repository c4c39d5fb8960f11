package embedded_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/embedded"
	"github.com/beforehand-go/beforehand/internal/datadir"
	"github.com/beforehand-go/beforehand/report"
)

var pages = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write([]byte("<title>A page</title>"))
})

func TestPagesServedLastAreCounted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	ctx, stop := context.WithCancel(t.Context())
	site, err := embedded.Open(ctx, embedded.Config{Dir: dir, Zone: "Europe/London"})
	if err != nil {
		t.Fatal(err)
	}
	site.Hot("hot", report.HotQuery{}, beforehand.Policy{})
	ended := make(chan error, 1)
	go func() { ended <- site.Run(ctx) }()
	h := site.Handler(pages)
	for range 5 {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/a", nil)
		r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0")
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	// Another process must not use the directory meanwhile.
	var inUse *datadir.InUseError
	if _, err := embedded.Open(ctx, embedded.Config{Dir: dir}); !errors.As(err, &inUse) || !strings.Contains(err.Error(), "embedded") {
		t.Errorf("opened twice: %v", err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("run: %v", err)
	}
	if err := site.Close(); err != nil {
		t.Fatal(err)
	}

	ctx, stop = context.WithCancel(t.Context())
	defer stop()
	site, err = embedded.Open(ctx, embedded.Config{Dir: dir, Zone: "UTC"}) // it stays London
	if err != nil {
		t.Fatal(err)
	}
	hot := site.Hot("hot", report.HotQuery{}, beforehand.Policy{})
	go func() { ended <- site.Run(ctx) }()
	if err := hot.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
	if items := hot.Value().Items; len(items) != 1 || items[0].Pageviews != 5 || hot.Current().Pageviews.Through == 0 {
		t.Errorf("counted %+v", items)
	}
	stop()
	if err := errors.Join(<-ended, site.Close()); err != nil {
		t.Error(err)
	}
}

func TestWhatCannotBeOpenedLeavesNothingOpen(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		if _, err := embedded.Open(t.Context(), embedded.Config{Dir: dir, Zone: "Mars/Olympus"}); err == nil || strings.Contains(err.Error(), "in use") {
			t.Errorf("error %v", err)
		}
	}
	site, err := embedded.Open(t.Context(), embedded.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer site.Close()
	if err := site.Serve(t.Context(), "256.0.0.1:0", pages); err == nil {
		t.Error("an address that is none was served")
	}
}
