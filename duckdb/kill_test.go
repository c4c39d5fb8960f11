package duckdb

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

const killSenders = 8

// killBatch is the request number i of a sender: pageviews of a path that no
// other request has, a stay and a key, and now and then a mark: what has none lies in
// the spool first.
func killBatch(sender, i int) pageview.Batch {
	name := fmt.Sprintf("%d/%d", sender, i)
	b := pageview.Batch{Key: &pageview.Key{Token: "t", Name: name, Digest: sha256.Sum256([]byte(name))}}
	if i%killMarks == 0 {
		b.Mark = &pageview.MarkStep{Site: "blog", Source: fmt.Sprint("sender ", sender), From: killMark(i), To: killMark(i + 1)}
	}
	for n := range 1 + i%5 {
		v := benchView(n)
		v.Path, v.Source = "/"+name, []pageview.Source{pageview.SourceLog, pageview.SourceScript}[sender%2]
		b.Pageviews = append(b.Pageviews, v)
		b.Stays = append(b.Stays, pageview.Stay{Site: "blog", At: v.At, Day: v.Day, Path: v.Path, For: time.Second})
	}
	return b
}

// killMarks is of how many requests one has a mark.
const killMarks = 20

// killMark is the mark of a sender after n requests.
func killMark(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa((n + killMarks - 1) / killMarks)
}

// sendUntilKilled is what the process does that is killed: each sender sends
// its last request again, which may have been kept, and then new ones, and
// prints each that was acknowledged.
func sendUntilKilled(path, next string) error {
	s, err := Open(context.Background(), Config{Path: path})
	if err != nil {
		return err
	}
	if _, err := s.Site(context.Background(), pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
		return err
	}
	var out sync.Mutex
	var wg sync.WaitGroup
	sent := make(chan struct{}, 1)
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
				if i%50 == 0 {
					wake(sent)
				}
			}
		})
	}
	wg.Go(func() { // adds up what is new, now and then
		for range sent {
			_, err := s.Query(context.Background(), pageview.Query{Site: "blog", By: []pageview.Dimension{pageview.ByEntry}, Metrics: pageview.Metrics()[:3]})
			if err == nil {
				_, err = s.Rank(context.Background(), pageview.RankQuery{Site: "blog", HalfLife: 24 * time.Hour})
			}
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
	})
	wg.Wait()
	return nil
}

func TestMain(m *testing.M) {
	if path := os.Getenv("BEFOREHAND_KILL_PATH"); path != "" {
		fmt.Fprintln(os.Stderr, sendUntilKilled(path, os.Getenv("BEFOREHAND_KILL_NEXT")))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// TestKillNine kills a process that keeps pageviews, stays, marks and keys, and
// adds them up, in the middle, again and again. What it acknowledged is there,
// whole and once, and what was added up equals it.
func TestKillNine(t *testing.T) {
	kills, most := 3, 400
	if os.Getenv("BEFOREHAND_PROVE") == "1" {
		kills, most = 25, 2_000
	}
	path := filepath.Join(t.TempDir(), "pageviews.duckdb")
	next := make([]int, killSenders)
	for kill := range kills {
		acknowledged := killOnce(t, path, next, 20+rand.IntN(most))
		s := open(t, path)
		for sender := range next {
			at := keptKeys(t, s, sender)
			text, err := s.Mark(t.Context(), "blog", fmt.Sprint("sender ", sender))
			if err != nil || text != killMark(at) {
				t.Fatalf("kill %d: sender %d has a mark at %q and %d keys, error %v", kill, sender, text, at, err)
			}
			if at < acknowledged[sender] || at > acknowledged[sender]+1 {
				t.Fatalf("kill %d: sender %d is at %d, and %d were acknowledged", kill, sender, at, acknowledged[sender])
			}
			next[sender] = acknowledged[sender]
			checkKept(t, s, sender, at)
		}
		var marks int
		row := readers(t, s).QueryRowContext(t.Context(), `SELECT count(*) FROM watermarks`)
		if err := row.Scan(&marks); err != nil {
			t.Fatal(err)
		}
		wrong, err := s.Recount(t.Context(), "blog", false)
		if err != nil || len(wrong) > 0 {
			t.Fatalf("kill %d: what is added up differs from raw rows: %v, error %v", kill, wrong, err)
		}
		t.Logf("kill %d: %v acknowledged, %d dimensions added up", kill+1, acknowledged, marks)
		s.Close()
	}
}

// killOnce runs senders and kills them after so many requests. It returns how
// many of each were acknowledged so far.
func killOnce(t *testing.T, path string, next []int, requests int) []int {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), "BEFOREHAND_KILL_PATH="+path,
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
	for in := bufio.NewScanner(pipe); in.Scan(); requests-- {
		var sender, i int
		if _, err := fmt.Sscan(in.Text(), &sender, &i); err == nil {
			acknowledged[sender] = i + 1
		}
		if requests == 0 {
			cmd.Process.Kill()
		}
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("the process ended by itself: %v", err)
	}
	return acknowledged
}

// checkKept holds the rows of a sender to its first n requests.
func checkKept(t *testing.T, s *Store, sender, n int) {
	t.Helper()
	for _, table := range []string{"pageviews", "stays"} {
		var requests, rows, want, wrong int64
		for i := range n {
			want += int64(1 + i%5)
		}
		row := readers(t, s).QueryRowContext(t.Context(), `
			SELECT count(*), CAST(coalesce(sum(n), 0) AS BIGINT), count(*) FILTER (n <> 1 + CAST(split_part(path, '/', 3) AS BIGINT) % 5)
			FROM (SELECT p.path, count(*) AS n FROM `+table+` v JOIN pages p ON p.id = v.page
				WHERE starts_with(p.path, ?) GROUP BY p.path)`, fmt.Sprintf("/%d/", sender))
		if err := row.Scan(&requests, &rows, &wrong); err != nil {
			t.Fatal(err)
		}
		if requests != int64(n) || rows != want || wrong != 0 {
			t.Errorf("%s of sender %d: %d requests, %d rows, %d with another number of rows; want %d, %d",
				table, sender, requests, rows, wrong, n, want)
		}
	}
}

// keptKeys is how many requests of a sender were kept.
func keptKeys(t *testing.T, s *Store, sender int) (keys int) {
	t.Helper()
	err := readers(t, s).QueryRowContext(t.Context(), `SELECT count(DISTINCT name) FROM keys WHERE starts_with(name, ?)`, fmt.Sprintf("%d/", sender)).Scan(&keys)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}
