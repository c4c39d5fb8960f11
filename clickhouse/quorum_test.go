package clickhouse_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/clickhouse"
	"github.com/beforehand-go/beforehand/internal/clickhousetest"
	"github.com/beforehand-go/beforehand/internal/throwaway"
	"github.com/beforehand-go/beforehand/pageview"
)

// TestQuorumLost has the one server that has a block die before another has
// fetched it, so that the cluster gives the block up and, when the server is
// back, takes it away from there too. It has been sent again by then.
func TestQuorumLost(t *testing.T) {
	servers := clickhousetest.StartCluster(t, 2)
	first, second := servers[0], servers[1]
	s := open(t, clickhouse.Config{
		URL:     first.Through(strings.Join([]string{first.Addr(), second.Addr()}, ","), "beforehand"),
		Cluster: clickhousetest.ClusterName, Quorum: 2,
		Spool: filepath.Join(t.TempDir(), "spool.db"), Every: 10 * time.Millisecond, Wait: time.Minute,
	})
	defer s.Close()
	if _, err := s.Site(t.Context(), pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	keep(t, s, seen("2026-01-01 10:00:00", "/before", 1))
	if got := total(t, s, true).Pageviews; got != 1 {
		t.Fatalf("%d pageviews, want 1", got)
	}

	second.Signal(t, syscall.SIGSTOP)
	keep(t, s, seen("2026-01-01 10:01:00", "/lost", 1))
	for first.Ask(t, "SELECT count() FROM beforehand.pageviews_shard WHERE path = '/lost'") != "1" {
		time.Sleep(5 * time.Millisecond) // for what goes on over sockets
	}
	first.Down(t)
	second.Signal(t, syscall.SIGCONT)
	const givenUp = "SELECT count() FROM system.zookeeper WHERE path = '/clickhouse/tables/1/beforehand/pageviews/quorum/failed_parts'"
	throwaway.Await(t, filepath.Join(second.Dir(), "log"), func() error {
		if n := second.Ask(t, givenUp); n != "1" {
			return fmt.Errorf("%s blocks are given up, want 1", n)
		}
		return nil
	})
	first.Up(t)

	throwaway.Await(t, filepath.Join(first.Dir(), "log"), func() error {
		a, err := s.Query(t.Context(), pageview.Query{Site: "blog", Raw: true})
		if err == nil && a.Total.Pageviews != 2 {
			err = fmt.Errorf("%d pageviews, want 2", a.Total.Pageviews)
		}
		return err
	})
	for _, server := range servers {
		if got := server.Ask(t, "SELECT count(), uniqExact(path) FROM beforehand.pageviews_shard"); got != "2\t2" {
			t.Errorf("a server has %s, want each pageview once", got)
		}
	}
}
