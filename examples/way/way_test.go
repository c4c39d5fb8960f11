package way_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/duckdb"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
	"github.com/beforehand-go/beforehand/sqlite"
	"github.com/beforehand-go/beforehand/trigger"
)

// What the site has: its access log. Three people read /hot, one reads /cold.
const accessLog = `203.0.113.1 - - [01/Mar/2026:10:00:00 +0000] "GET /hot HTTP/1.1" 200 9 "-" "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"
203.0.113.2 - - [01/Mar/2026:10:00:01 +0000] "GET /hot HTTP/1.1" 200 9 "-" "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"
203.0.113.3 - - [01/Mar/2026:10:00:02 +0000] "GET /hot HTTP/1.1" 200 9 "-" "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"
203.0.113.3 - - [01/Mar/2026:10:00:02 +0000] "GET /cold HTTP/1.1" 200 9 "-" "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"
`

// TestTheWay follows a pageview to its reader. Every station is the real one.
func TestTheWay(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()

	// The store keeps pageviews, the state everything else.
	store, err := duckdb.Open(ctx, duckdb.Config{Path: filepath.Join(dir, "pageviews.duckdb")})
	must(t, err)
	defer store.Close()
	state, err := sqlite.Open(filepath.Join(dir, "state.db"))
	must(t, err)
	defer state.Close()

	// pageview → store: lines of the log become pageviews, visitors become hashes.
	_, err = store.Site(ctx, pageview.Site{Name: "blog", Zone: "UTC"})
	must(t, err)
	key := collect.Key{1, 2, 3}
	visitors, err := collect.NewVisitors(state.Salts(), key)
	must(t, err)
	importer := collect.Importer{Store: store, Key: key, Intake: &collect.Intake{Visitors: visitors, Agents: &collect.Agents{}}}
	summary, err := importer.Import(ctx, collect.Log{Name: "access.log", Site: &collect.Site{Name: "blog", Zone: time.UTC}, Data: strings.NewReader(accessLog)}, nil)
	must(t, err)
	if summary.Pageviews != 4 {
		t.Fatalf("kept %d pageviews", summary.Pageviews)
	}

	// store → tick → run → snapshot: a report is a function and a trigger.
	site, err := beforehand.Open(ctx, beforehand.Config{State: state})
	must(t, err)
	hot := beforehand.New(site, "hot", func(ctx context.Context) (report.Hot, error) {
		list, _, err := report.RankHot(ctx, store, report.HotQuery{Site: "blog"})
		return list, err
	}, beforehand.Policy{Trigger: trigger.Every(time.Hour)})
	running, stop := context.WithCancel(ctx)
	ended := make(chan error)
	go func() { ended <- site.Run(running) }()
	defer func() { stop(); <-ended }()
	must(t, hot.Refresh(ctx)) // or wait for the next full hour

	// snapshot → reader: finished bytes, and a typed value for the program itself.
	server := httptest.NewServer(hot)
	defer server.Close()
	answer, err := http.Get(server.URL + "/hot.json")
	must(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(t, err)
	if !strings.HasPrefix(string(body), `{"items":[{"rank":1,"path":"/hot","title":"/hot","pageviews":3,"visitors":3,`) {
		t.Errorf("the reader got %s", body)
	}
	if first := hot.Value().Items[0]; first.Path != "/hot" {
		t.Errorf("the program got %+v", first)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
