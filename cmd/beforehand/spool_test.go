package main

import (
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beforehand-go/beforehand/internal/clickhousetest"
)

// TestClickHouseAway takes it away from a server, which takes pageviews in for as
// long as its spool has room, and tells how many wait and that something is wrong.
func TestClickHouseAway(t *testing.T) {
	t.Parallel()
	there := clickhousetest.Start(t)
	name, data := program(t), filepath.Join(t.TempDir(), "data")
	pageviews := "--pageviews=" + there.Database(t) + "?spool=1048576"
	out, err := exec.CommandContext(t.Context(), name, "token", "create", "test", "--data", data, pageviews).Output()
	if err != nil {
		t.Fatal(err)
	}
	token := strings.TrimSpace(string(out))
	server, url := serveOn(t, name, data, pageviews)
	r := &replica{t, server, url, data}
	if status := r.send(token, "a"); status/100 != 2 {
		t.Fatalf("status %d", status)
	}
	r.awaits("/s/default/pageviews.json", says(`"total":1`))
	r.awaits("/metrics", says("beforehand_spool_rows 0"))
	there.Down(t)
	kept := 0
	for kept < 20_000 {
		status := r.send(token, fmt.Sprint("away-", kept))
		if status == http.StatusServiceUnavailable {
			break
		}
		if status/100 != 2 {
			t.Fatalf("without ClickHouse: status %d", status)
		}
		kept++
	}
	if kept < 2 || kept == 20_000 {
		t.Fatalf("a spool of a megabyte kept %d pageviews", kept)
	}
	r.awaits("/metrics", says(fmt.Sprintf("beforehand_spool_rows %d\n", kept)))
	r.awaits("/metrics", says(fmt.Sprintf("beforehand_pageviews_kept_total %d\n", kept+1)))
	r.awaits("/metrics", says("beforehand_pageviews_refused_total 1\n"))
	r.awaits("/readyz", says("degraded"))
	r.awaits("/metrics", says("beforehand_spool_oldest_timestamp_seconds"))
	r.awaits("/s/default/pageviews.json", says(`"total":1`))
	r.kill()
	there.Up(t)
	server, url = serveOn(t, name, data, pageviews)
	r = &replica{t, server, url, data}
	r.awaits("/s/default/pageviews.json", says(fmt.Sprintf(`"total":%d`, kept+1)))
	r.awaits("/metrics", says("beforehand_spool_rows 0"))
	r.awaits("/readyz", says("ready"))
	if status := r.send(token, "back"); status/100 != 2 {
		t.Errorf("with ClickHouse again: status %d", status)
	}
}
