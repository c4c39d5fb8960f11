package clickhouse_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/clickhouse"
	"github.com/beforehand-go/beforehand/internal/clickhousetest"
	"github.com/beforehand-go/beforehand/pageview"
)

const killSenders = 4

// killBatch is the request number i of a sender: pageviews of a path that no
// other request has, a stay and a key.
func killBatch(sender, i int) pageview.Batch {
	name := fmt.Sprintf("%d/%d", sender, i)
	b := pageview.Batch{Key: &pageview.Key{Token: "t", Name: name, Digest: sha256.Sum256([]byte(name))}}
	for n := range 1 + i%5 {
		v := seen(fmt.Sprintf("2026-%02d-01 10:00:00", 1+n%2), "/"+name, uint64(n))
		b.Pageviews = append(b.Pageviews, v)
		b.Stays = append(b.Stays, pageview.Stay{Site: "blog", At: v.At, Day: v.Day, Path: v.Path, For: time.Second})
	}
	return b
}

// sendUntilKilled is what the process does that is killed: each sender sends
// its last request again, which may have been kept, and then new ones, and
// prints each that was acknowledged.
func sendUntilKilled(url, spool, next string) error {
	s, err := clickhouse.Open(context.Background(), clickhouse.Config{
		URL: url, Spool: spool, Every: 5 * time.Millisecond, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	if _, err := s.Site(context.Background(), pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
		return err
	}
	var out sync.Mutex
	var wg sync.WaitGroup
	for sender, text := range strings.Split(next, ",") {
		first, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		wg.Go(func() {
			for i := first; ; i++ {
				err := s.Append(context.Background(), killBatch(sender, i))
				if err != nil && (!errors.Is(err, pageview.ErrRepeated) || i != first) {
					fmt.Fprintf(os.Stderr, "request %d/%d: %v\n", sender, i, err)
					os.Exit(1)
				}
				out.Lock()
				fmt.Printf("%d %d\n", sender, i)
				out.Unlock()
			}
		})
	}
	wg.Go(func() { // adds up what is new, all the time; ClickHouse may be away
		for {
			s.Query(context.Background(), pageview.Query{Site: "blog", By: []pageview.Dimension{pageview.ByEntry}, Metrics: pageview.Metrics()[:3]})
		}
	})
	wg.Wait()
	return nil
}

func TestMain(m *testing.M) {
	if url := os.Getenv("BEFOREHAND_KILL_URL"); url != "" {
		fmt.Fprintln(os.Stderr, sendUntilKilled(url, os.Getenv("BEFOREHAND_KILL_SPOOL"), os.Getenv("BEFOREHAND_KILL_NEXT")))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// TestKillNine kills ClickHouse, and the process that sends pageviews to it, in
// the middle, again and again. What was acknowledged is there, whole and once,
// and what was added up equals it.
func TestKillNine(t *testing.T) {
	kills, most := 2, 200
	if prove() {
		kills, most = 25, 2_000
	}
	server := clickhousetest.Start(t)
	c := clickhouse.Config{URL: server.Database(t), Spool: filepath.Join(t.TempDir(), "spool.db"), Wait: time.Minute}
	next := make([]int, killSenders)
	for kill := range kills {
		next = killOnce(t, server, c, next, 20+rand.IntN(most))
		s := open(t, c)
		a, err := s.Query(t.Context(), pageview.Query{Site: "blog", By: []pageview.Dimension{pageview.ByPage}, Metrics: pageview.Metrics()})
		if err != nil {
			t.Fatal(err)
		}
		rows := map[string]pageview.Values{}
		for _, r := range a.Rows {
			rows[r.Keys[0]] = r.Values
		}
		kept := 0
		for sender, acknowledged := range next {
			for i := 0; ; i++ {
				v, there := rows[fmt.Sprintf("/%d/%d", sender, i)]
				if there {
					kept++
				}
				if want := int64(1 + i%5); there && (v.Pageviews != want || v.Timed != want) {
					t.Fatalf("kill %d: request %d/%d has %+v, want %d", kill, sender, i, v, want)
				}
				if !there && i < acknowledged {
					t.Fatalf("kill %d: request %d/%d is missing, of %d", kill, sender, i, acknowledged)
				}
				if !there {
					break
				}
			}
		}
		if kept != len(a.Rows) {
			t.Errorf("kill %d: %d requests of %d rows", kill, kept, len(a.Rows))
		}
		if wrong, err := s.Recount(t.Context(), "blog", false); err != nil || len(wrong) > 0 {
			t.Fatalf("kill %d: what is added up differs from raw rows: %v, error %v", kill, wrong, err)
		}
		t.Logf("kill %d: %v acknowledged", kill+1, next)
		s.Close()
	}
}

// killOnce runs senders and kills them after so many requests, and ClickHouse
// before or after that. It returns how many of each were acknowledged so far.
func killOnce(t *testing.T, server *clickhousetest.Server, c clickhouse.Config, next []int, requests int) []int {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), "BEFOREHAND_KILL_URL="+c.URL, "BEFOREHAND_KILL_SPOOL="+c.Spool,
		"BEFOREHAND_KILL_NEXT="+strings.Trim(strings.Join(strings.Fields(fmt.Sprint(next)), ","), "[]"))
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := append([]int(nil), next...)
	down := rand.IntN(requests)
	up := rand.IntN(down + 1) // so many are left; ClickHouse comes back meanwhile, or only after the end
	for in := bufio.NewScanner(pipe); in.Scan(); requests-- {
		var sender, i int
		if _, err := fmt.Sscan(in.Text(), &sender, &i); err == nil {
			acknowledged[sender] = i + 1
		}
		switch requests {
		case down + 1:
			server.Down(t)
		case up:
			server.Up(t)
		}
		if requests == 0 {
			cmd.Process.Kill()
		}
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("the process ended by itself: %v", err)
	}
	server.Down(t)
	server.Up(t)
	return acknowledged
}
