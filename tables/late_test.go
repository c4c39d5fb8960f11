package tables_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/internal/mariadbtest"
	"github.com/beforehand-go/beforehand/internal/pgtest"
	"github.com/beforehand-go/beforehand/tables"
)

// TestRowsThatCommitOutOfOrderAllCount has writers whose transactions take
// their numbers and times in one order and end in another, while the table is
// read all the time.
func TestRowsThatCommitOutOfOrderAllCount(t *testing.T) {
	for _, engine := range []struct {
		name  string
		start func(t *testing.T) (url string, w *sql.DB)
		table string
		place string
	}{
		{"postgres", func(t *testing.T) (string, *sql.DB) {
			url := pgtest.Start(t, "fsync=off").Database(t)
			return url, dial(t, "pgx", url)
		}, "CREATE TABLE visits (id BIGSERIAL PRIMARY KEY, seen_at TIMESTAMPTZ, path TEXT, ip INET, agent TEXT, host TEXT)", "$1, $2"},
		{"mariadb", func(t *testing.T) (string, *sql.DB) {
			url := mariadbtest.Start(t).Database(t)
			return url, dial(t, "mysql", strings.NewReplacer("mysql://", "", "@", "@tcp(", "/", ")/").Replace(url))
		}, "CREATE TABLE visits (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, seen_at DATETIME(6), path TEXT, ip TEXT, agent TEXT, host TEXT)", "?, ?"},
	} {
		t.Run(engine.name, func(t *testing.T) {
			url, w := engine.start(t)
			exec(t, w, engine.table)
			byID, byTime := visits(), visits()
			byTime.Key = "seen_at, id"
			readers := []*tables.Table{newTable(t, url, byID), newTable(t, url, byTime)}
			written := writeOutOfOrder(t, w, engine.place, func() {
				for _, r := range readers {
					must(t, r)
				}
			})
			for _, r := range readers {
				must(t, r)
				if got := sum(counted(t, r.Store)); got != written {
					t.Errorf("by %s: %d counted, %d written", r.Config.Key, got, written)
				}
				if s := must(t, r); s.Lines != 0 {
					t.Errorf("by %s: read again: %+v", r.Config.Key, s)
				}
			}
		})
	}
}

// writeOutOfOrder writes rows in transactions that overlap, some of which are
// rolled back, and calls read meanwhile. It tells how many were committed.
func writeOutOfOrder(t *testing.T, w *sql.DB, place string, read func()) int64 {
	t.Helper()
	var written atomic.Int64
	var wait sync.WaitGroup
	for writer := range 6 {
		wait.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(writer)))
			for range 12 {
				tx, err := w.BeginTx(context.Background(), nil)
				if err != nil {
					t.Error(err)
					return
				}
				n := int64(1 + r.IntN(30))
				for i := range n {
					at := time.Now().UTC()
					if i%3 == 0 {
						time.Sleep(time.Duration(r.IntN(20)) * time.Millisecond) // while others commit
					}
					_, err := tx.Exec(fmt.Sprintf("INSERT INTO visits (seen_at, path, ip, agent) VALUES (%s, '203.0.113.9', '%s')", place, firefox), at, fmt.Sprintf("/%d", writer))
					if err != nil {
						t.Error(err)
					}
				}
				if r.IntN(5) == 0 {
					if err := tx.Rollback(); err != nil {
						t.Error(err)
					}
				} else if err := tx.Commit(); err != nil {
					t.Error(err)
				} else {
					written.Add(n)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		wait.Wait()
		close(done)
	}()
	for {
		select {
		case <-done:
			return written.Load()
		default:
			read()
		}
	}
}

func dial(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// TestWhatIsLateByLessThanTheWindowCounts has rows come in any order, each at
// most four minutes after a row with a higher key was read, over simulated
// hours.
func TestWhatIsLateByLessThanTheWindowCounts(t *testing.T) {
	for _, key := range []string{"id", "seen_at, id"} {
		t.Run(key, func(t *testing.T) {
			url, w := newSQLite(t)
			exec(t, w, createVisits)
			c := visits()
			c.Key = key
			table := newTable(t, url, c)
			r := rand.New(rand.NewPCG(7, 7))
			now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
			type held struct {
				id   int
				at   time.Time
				till time.Time
			}
			var late []held
			id, written := 0, int64(0)
			insert := func(id int, at time.Time) {
				exec(t, w, "INSERT INTO visits (id, seen_at, path, ip, agent) VALUES (?, ?, '/', '203.0.113.9', ?)", id, at.Format(time.DateTime), firefox)
				written++
			}
			for range 150 {
				now = now.Add(time.Duration(r.IntN(90)) * time.Second)
				for range r.IntN(5) {
					id += 1 + r.IntN(3)
					if r.IntN(3) == 0 {
						late = append(late, held{id, now, now.Add(time.Duration(r.IntN(240)) * time.Second)})
					} else {
						insert(id, now)
					}
				}
				var rest []held
				for _, h := range late {
					if h.till.After(now) {
						rest = append(rest, h)
					} else {
						insert(h.id, h.at)
					}
				}
				late = rest
				mustAt(t, table, now)
			}
			if got := counted(t, table.Store)["/"]; got != written {
				t.Errorf("%d counted, %d written", got, written)
			}
			mark, err := table.Store.Mark(t.Context(), site, "table visits")
			if err != nil || len(mark) > 2000 {
				t.Errorf("a mark of %d bytes, error %v", len(mark), err)
			}
		})
	}
}

// TestARowWithATimeYetToComeHidesNone: by a key of times, one row of a clock
// that is wrong would otherwise be the newest for years.
func TestARowWithATimeYetToComeHidesNone(t *testing.T) {
	url, w := newSQLite(t)
	exec(t, w, createVisits)
	c := visits()
	c.Key = "seen_at, id"
	table := newTable(t, url, c)
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	insert := func(at time.Time) {
		exec(t, w, "INSERT INTO visits (seen_at, path, ip, agent) VALUES (?, '/', '203.0.113.9', ?)", at.Format(time.DateTime), firefox)
	}
	insert(now.AddDate(50, 0, 0))
	for i := range 5 {
		mustAt(t, table, now)
		if got := counted(t, table.Store)["/"]; got != int64(i) {
			t.Fatalf("%d counted after %d rows", got, i)
		}
		now = now.Add(time.Hour)
		insert(now)
	}
}

func TestATableThatBeganAnewIsReadFromItsBeginning(t *testing.T) {
	url, w := newSQLite(t)
	exec(t, w, createVisits)
	table := newTable(t, url, visits())
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	insert := func(n int) {
		for range n {
			now = now.Add(time.Minute)
			exec(t, w, "INSERT INTO visits (seen_at, path, ip, agent) VALUES (?, '/', '203.0.113.9', ?)", now.Format(time.DateTime), firefox)
		}
	}
	want := int64(0)
	read := func(what string, n int64) {
		t.Helper()
		want += n
		mustAt(t, table, now)
		if got := counted(t, table.Store)["/"]; got != want {
			t.Fatalf("%s: %d counted, want %d", what, got, want)
		}
	}
	insert(30)
	read("first", 30)
	exec(t, w, "DELETE FROM visits WHERE id < 20")
	read("old rows deleted", 0)
	insert(5)
	read("then more", 5)
	exec(t, w, "DELETE FROM visits WHERE id > 33")
	read("the newest deleted", 0)
	exec(t, w, "DELETE FROM visits")
	read("emptied", 0)
	insert(7)
	read("began anew, with fewer", 7)
	exec(t, w, "DELETE FROM visits")
	insert(50)
	read("began anew, with more", 50)
	now = now.Add(24 * time.Hour)
	read("a day later", 0)
	exec(t, w, "DELETE FROM visits WHERE id < 50")
	insert(1)
	read("old rows deleted after a day", 1)
}

func TestAKeyThatIsAnotherIsRefused(t *testing.T) {
	url, w := newSQLite(t)
	exec(t, w, createVisits)
	exec(t, w, "INSERT INTO visits (seen_at, path, ip, agent) VALUES ('2026-01-01', '/', '203.0.113.9', ?)", firefox)
	table := newTable(t, url, visits())
	must(t, table)
	table.Config.Key = "seen_at, id"
	if _, err := table.Run(t.Context()); err == nil || !strings.Contains(err.Error(), `by the key "id" until now`) {
		t.Errorf("%v", err)
	}
}
