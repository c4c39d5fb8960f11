package move_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/internal/pgtest"
	"github.com/beforehand-go/beforehand/move"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
	"github.com/beforehand-go/beforehand/sqlite"
	"github.com/beforehand-go/beforehand/token"
	"github.com/beforehand-go/beforehand/trigger"
)

// state is what both engines of state have in common here.
type state interface {
	beforehand.State
	Salts() collect.KeptSalts
	Tokens() token.Store
	Accounts() account.Store
	Close() error
}

// fill has a state keep something of each kind.
func fill(t *testing.T, s state) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	site, err := beforehand.Open(ctx, beforehand.Config{State: s})
	if err != nil {
		t.Fatal(err)
	}
	report := beforehand.New(site, "blog/hot", func(context.Context) (int, error) { return 7, nil },
		beforehand.Policy{Trigger: trigger.Every(time.Hour)})
	err = site.Scheduler().Add(ctx, scheduler.Job{
		Name: "blog/broken", Trigger: trigger.Every(time.Hour), AtStart: true,
		Run: func(_ context.Context, r *scheduler.Run) error { return errors.New("broken “for good”") },
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- site.Run(ctx) }()
	if err := report.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := site.Scheduler().RunNow(ctx, "blog/broken"); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	ctx = t.Context()
	_, salt := s.Salts().Salt(ctx, "blog", 20_000, []byte{0, 1, 0xff})
	_, gone := s.Salts().Salt(ctx, "blog", 10, []byte{1})
	now := time.Now().Truncate(time.Second)
	person := func(kind account.Kind, key string, until time.Time) account.Change {
		return account.Change{Record: account.Record{Kind: kind, Key: key, Until: until, Body: []byte(`{"name": "“ö”"}`)}}
	}
	err = errors.Join(salt, gone, s.Accounts().Write(ctx, []account.Change{
		person("user", "ö@example.org", time.Time{}), person("roster", "", time.Time{}), person("session", "ab", now.Add(time.Hour+time.Microsecond)),
	}), s.Salts().Delete(ctx, now.Add(collect.SaltLife+time.Hour)),
		s.Tokens().Create(ctx, token.Token{Name: "one", Scopes: token.Scopes(), Sites: []string{"blog", "shop"}, Created: now}, token.HashOf("1")),
		s.Tokens().Create(ctx, token.Token{Name: "all", Scopes: token.Scopes()[:1], Created: now}, token.HashOf("2")))
	if err != nil {
		t.Fatal(err)
	}
}

// seen is what readers of a state see.
func seen(t *testing.T, s state) []any {
	t.Helper()
	ctx := t.Context()
	jobs, err1 := s.Jobs().Jobs(ctx)
	ticks, err2 := s.Jobs().Ticks(ctx, scheduler.Query{})
	snap, err3 := s.Snapshots().Get(ctx, snapshot.Key{Report: "blog/hot"}, 0)
	tokens, err4 := s.Tokens().List(ctx)
	users, err6 := s.Accounts().List(ctx, "user", "", 0)
	roster, err7 := s.Accounts().Get(ctx, "roster", "")
	session, err8 := s.Accounts().Get(ctx, "session", "ab")
	salt, err5 := s.Salts().Salt(ctx, "blog", 20_000, []byte("new"))
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7, err8); err != nil {
		t.Fatal(err)
	}
	for _, j := range jobs {
		j.Definition, j.Declared = nil, nil
	}
	return []any{jobs, ticks, snap.Revision, snap.Version, tokens, users, roster, session, salt}
}

func TestStateMovesThereAndBack(t *testing.T) {
	server := pgtest.Start(t, "fsync=off")
	dsn, ctx := server.Database(t), t.Context()
	path := filepath.Join(t.TempDir(), "state.db")
	first := open(t, path)
	fill(t, first)
	want := seen(t, first)
	closeState(t, first)

	both := openBoth(t, path, dsn)
	there, err := both.ToServer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	again, err := both.ToServer(ctx)
	if err != nil || !reflect.DeepEqual(again, there) {
		t.Errorf("again: %v, %v, want %v", again, err, there)
	}
	t.Log(there)
	for _, name := range []string{"jobs", "ticks", "snapshots", "snapshot_keys", "salts", "tokens", "accounts"} {
		if !slices.ContainsFunc(there, func(m move.Moved) bool { return m.Table == name && m.Rows > 0 }) {
			t.Errorf("nothing of table %s was moved", name)
		}
	}

	back := filepath.Join(t.TempDir(), "back.db")
	home, err := openBoth(t, back, dsn).ToFile(ctx)
	if err != nil || !reflect.DeepEqual(home, there) {
		t.Errorf("back: %v, %v, want %v", home, err, there)
	}
	last := open(t, back)
	if got := seen(t, last); !reflect.DeepEqual(got, want) {
		t.Errorf("back are\n%+v\nwant\n%+v", got, want)
	}
	// Revisions go on above all that were given before.
	snap, err := last.Snapshots().Put(ctx, snapshot.Snapshot{Key: snapshot.Key{Report: "new"}})
	if err != nil || snap.Revision <= want[2].(int64) {
		t.Errorf("revision %d, %v, after %d", snap.Revision, err, want[2])
	}
	closeState(t, last)

	if _, err := openBoth(t, back, dsn).ToServer(ctx); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("another state: %v", err)
	}
}

// TestEveryTableMoves fails for a table that only one engine has, or that move
// does not know.
func TestEveryTableMoves(t *testing.T) {
	server := pgtest.Start(t, "fsync=off")
	path := filepath.Join(t.TempDir(), "state.db")
	moved, err := openBoth(t, path, server.Database(t)).ToServer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT substr(name, 12) FROM sqlite_schema WHERE type = 'table' AND name LIKE 'beforehand_%' AND name NOT IN ('beforehand_schema', 'beforehand_replicas')")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(moved, func(m move.Moved) bool { return m.Table == name }) {
			t.Errorf("table %s of SQLite is not moved", name)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, path string) *sqlite.State {
	t.Helper()
	s, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeState(t *testing.T, s state) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func openBoth(t *testing.T, path, dsn string) *move.State {
	t.Helper()
	s, err := move.OpenState(t.Context(), path, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}
