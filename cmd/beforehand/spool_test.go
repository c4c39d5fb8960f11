package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beforehand-go/beforehand/internal/clickhousetest"
)

// TestClickHouseAway takes it away from a server, which takes pageviews in all
// the while and tells how many wait.
func TestClickHouseAway(t *testing.T) {
	there := clickhousetest.Start(t)
	name, data := program(t), filepath.Join(t.TempDir(), "data")
	t.Setenv("BEFOREHAND_PAGEVIEWS", there.Database(t))
	out, err := exec.CommandContext(t.Context(), name, "token", "create", "test", "--data", data).Output()
	if err != nil {
		t.Fatal(err)
	}
	token := strings.TrimSpace(string(out))
	server, url := serveOn(t, name, data)
	r := &replica{t, server, url, data}
	if status := r.send(token, "a"); status/100 != 2 {
		t.Fatalf("status %d", status)
	}
	r.awaits("/s/default/pageviews.json", says(`"total":1`))
	r.awaits("/metrics", says("beforehand_spool_rows 0"))
	there.Down(t)
	for _, key := range []string{"b", "c"} {
		if status := r.send(token, key); status/100 != 2 {
			t.Errorf("without ClickHouse: status %d", status)
		}
	}
	r.awaits("/metrics", says("beforehand_spool_rows 2"))
	r.awaits("/metrics", says("beforehand_spool_oldest_timestamp_seconds"))
	r.awaits("/s/default/pageviews.json", says(`"total":1`))
	r.kill()
	there.Up(t)
	server, url = serveOn(t, name, data)
	r = &replica{t, server, url, data}
	r.awaits("/s/default/pageviews.json", says(`"total":3`))
	r.awaits("/metrics", says("beforehand_spool_rows 0"))
}
