package spool

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	_ "embed"
	"encoding/gob"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver Open uses

	"github.com/beforehand-go/beforehand/pageview"
)

//go:embed schema.sql
var schema string

// version is that of the schema.
const version = 1

// Config says where a spool is and how much it may hold.
type Config struct {
	Path  string // the file; made when it is not there
	Bytes int64  // what may wait at most; zero means 4 GiB
}

// Spool holds what waits to be sent. It is safe for concurrent use. Make it
// with Open. Only one process may have the file open.
type Spool struct {
	db   *sql.DB
	id   uint64
	most int64

	writing sync.Mutex
	block   uint64 // the last one; only who takes blocks uses it

	mu      sync.Mutex
	last    int64   // id of the group that came last
	waiting Waiting // without the oldest
}

// Waiting is what a spool holds.
type Waiting struct {
	Rows   int64
	Bytes  int64
	Oldest time.Time // when the oldest of them came; zero where nothing waits
}

// Group is what was put together: pageviews and stays, and, alone, the steps of
// the marks of what they were read from.
type Group struct {
	Pageviews []pageview.Pageview
	Stays     []pageview.Stay
	Keys      []pageview.Key
	Shares    []Share // of Keys, one each; none where an older program put the group
	Log       *pageview.LogStep
	Mark      *pageview.MarkStep
}

// Share is what of a group came under a key: pageviews and stays from one, up to
// another that is not of it. Those of later keys come later.
type Share struct{ Pageviews, Stays [2]int }

// Claims are the keys whose pageviews can be let go of.
func (g *Group) Claims() []pageview.Key {
	if len(g.Shares) != len(g.Keys) || g.Alone() {
		return nil
	}
	return g.Keys
}

// Without lets go of what came under keys.
func (g *Group) Without(gone []pageview.Key) {
	for i, k := range slices.Backward(g.Claims()) {
		if slices.Contains(gone, k) {
			s := g.Shares[i]
			g.Pageviews = slices.Delete(g.Pageviews, s.Pageviews[0], s.Pageviews[1])
			g.Stays = slices.Delete(g.Stays, s.Stays[0], s.Stays[1])
			g.Keys, g.Shares = slices.Delete(g.Keys, i, i+1), slices.Delete(g.Shares, i, i+1)
			for j := range g.Shares[i:] {
				g.Shares[i+j] = g.Shares[i+j].less(s)
			}
		}
	}
}

// less is a share where one before it is gone.
func (s Share) less(gone Share) Share {
	for i := range 2 {
		s.Pageviews[i] -= gone.Pageviews[1] - gone.Pageviews[0]
		s.Stays[i] -= gone.Stays[1] - gone.Stays[0]
	}
	return s
}

// Alone tells whether the group is a block of its own.
func (g *Group) Alone() bool { return g.Log != nil || g.Mark != nil }

func (g *Group) rows() int { return len(g.Pageviews) + len(g.Stays) }

// Block is what is sent together.
type Block struct {
	Number uint64
	Groups []Group
	Last   int64 // id of its last group
	Again  bool  // it was taken before, so that it may have been sent
}

// Open opens the file, or makes it.
func Open(ctx context.Context, c Config) (*Spool, error) {
	dsn := "file:" + (&url.URL{Path: filepath.ToSlash(c.Path)}).EscapedPath() +
		"?_txlock=immediate&_pragma=auto_vacuum(INCREMENTAL)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)"
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open spool %s: %w", c.Path, err)
	}
	s := &Spool{db: db, most: cmp.Or(c.Bytes, 4<<30)}
	db.SetMaxOpenConns(3) // who writes, who reads a block, and one more
	if err := s.load(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open spool %s: %w", c.Path, full(err)), db.Close())
	}
	return s, nil
}

func (s *Spool) load(ctx context.Context) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		var v int
		if err := tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&v); err != nil {
			return err
		}
		switch {
		case v > version:
			return fmt.Errorf("its version %d is newer than this program, which knows %d: use a newer beforehand", v, version)
		case v == version:
			return nil
		}
		if _, err := tx.ExecContext(ctx, schema); err != nil {
			return err
		}
		// Half of the numbers, since SQLite's are signed.
		if _, err := tx.ExecContext(ctx, `INSERT INTO self VALUES (?, 0)`, rand.Int64()|1); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, version))
		return err
	})
	if err != nil {
		return err
	}
	if err := s.db.QueryRowContext(ctx, `SELECT spool, block FROM self`).Scan(&s.id, &s.block); err != nil {
		return err
	}
	row := s.db.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'groups'`)
	if err := row.Scan(&s.last); err != nil {
		return err
	}
	row = s.db.QueryRowContext(ctx, `SELECT coalesce(sum(rows), 0), coalesce(sum(length(body)), 0) FROM groups`)
	return row.Scan(&s.waiting.Rows, &s.waiting.Bytes)
}

// Close closes the file. What waits is there when it is opened again.
func (s *Spool) Close() error { return s.db.Close() }

// ID is what the spool is known by in the store, ever since it was made.
func (s *Spool) ID() uint64 { return s.id }

// Last is the id of the group that was put last; zero where none ever was.
func (s *Spool) Last() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// Waiting tells what was put and is not Done.
func (s *Spool) Waiting(ctx context.Context) (Waiting, error) {
	var oldest int64
	err := s.db.QueryRowContext(ctx, `SELECT at FROM groups ORDER BY id LIMIT 1`).Scan(&oldest)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return Waiting{}, fmt.Errorf("look into the spool: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.waiting
	if err == nil {
		w.Oldest = time.UnixMicro(oldest).UTC()
	}
	return w, nil
}

// held is how many bytes wait.
func (s *Spool) held() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting.Bytes
}

// Put keeps groups, all of them or none, and has them on disk when it returns
// nil, under growing ids of which it returns the first. It returns
// pageview.ErrFull where they do not fit.
func (s *Spool) Put(ctx context.Context, groups ...Group) (first int64, err error) {
	if first, err = s.put(ctx, groups); err != nil {
		return 0, fmt.Errorf("put pageviews into the spool: %w", full(err))
	}
	return first, nil
}

func (s *Spool) put(ctx context.Context, groups []Group) (first int64, err error) {
	bodies := make([][]byte, len(groups))
	var add Waiting
	for i := range groups {
		var b bytes.Buffer
		if err := gob.NewEncoder(&b).Encode(&groups[i]); err != nil {
			return 0, err
		}
		bodies[i] = b.Bytes()
		add.Bytes += int64(b.Len())
		add.Rows += int64(groups[i].rows())
	}
	if held := s.held(); held > 0 && held+add.Bytes > s.most {
		return 0, fmt.Errorf("%d MB wait to be sent: %w", held>>20, pageview.ErrFull)
	}
	var last int64
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		now := time.Now().UnixMicro()
		for i := range groups {
			if last, err = putGroup(ctx, tx, &groups[i], bodies[i], now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = max(s.last, last)
	s.waiting.Rows += add.Rows
	s.waiting.Bytes += add.Bytes
	return last - int64(len(groups)) + 1, nil
}

func putGroup(ctx context.Context, tx *sql.Tx, g *Group, body []byte, now int64) (id int64, err error) {
	r, err := tx.ExecContext(ctx, `INSERT INTO groups (alone, rows, at, body) VALUES (?, ?, ?, ?)`, g.Alone(), g.rows(), now, body)
	if err != nil {
		return 0, err
	}
	for _, k := range g.Keys {
		if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?)`, k.Token, k.Name, k.Digest[:], now); err != nil {
			return 0, err
		}
	}
	return r.LastInsertId()
}

// Block is the block to be sent next: one that was taken before and is not
// Done, else one of what came first, of about so many rows at most, whose
// number is at least the clock. It has none where nothing waits.
func (s *Spool) Block(ctx context.Context, clock uint64, rows int) (b Block, found bool, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		var first sql.NullInt64
		err := tx.QueryRowContext(ctx, `SELECT block FROM groups ORDER BY id LIMIT 1`).Scan(&first)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return nil
		case err != nil:
			return err
		case first.Valid:
			b.Number, b.Again = uint64(first.Int64), true
			err = tx.QueryRowContext(ctx, `SELECT max(id) FROM groups WHERE block = ?`, first.Int64).Scan(&b.Last)
		default:
			b.Number = max(clock, s.block+1)
			b.Last, err = seal(ctx, tx, int64(b.Number), rows)
		}
		found = err == nil
		return err
	})
	if err == nil && found {
		s.block = max(s.block, b.Number)
		b.Groups, err = s.groups(ctx, b.Last)
	}
	if err != nil {
		return b, false, fmt.Errorf("take pageviews from the spool: %w", full(err))
	}
	return b, found, nil
}

// seal makes a block of what came first and tells the id of its last group.
func seal(ctx context.Context, tx *sql.Tx, number int64, most int) (last int64, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, rows, alone FROM groups ORDER BY id`)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for sum := 0; rows.Next(); {
		var id int64
		var n int
		var alone bool
		if err := rows.Scan(&id, &n, &alone); err != nil {
			return 0, err
		}
		if last != 0 && (alone || sum+n > most) {
			break
		}
		if last = id; alone {
			break
		}
		sum += n
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return 0, err
	}
	if _, err = tx.ExecContext(ctx, `UPDATE groups SET block = ? WHERE id <= ?`, number, last); err == nil {
		_, err = tx.ExecContext(ctx, `UPDATE self SET block = ?`, number)
	}
	return last, err
}

// groups are those of the first block, in the order in which they came.
func (s *Spool) groups(ctx context.Context, last int64) (groups []Group, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT body FROM groups WHERE id <= ? ORDER BY id`, last)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var body sql.RawBytes
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		var g Group
		if err := gob.NewDecoder(bytes.NewReader(body)).Decode(&g); err != nil {
			return nil, err
		}
		groups = append(groups, g)
	}
	return groups, rows.Err()
}

// Done lets go of a block that was sent.
func (s *Spool) Done(ctx context.Context, b Block) error {
	var gone Waiting
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		row := tx.QueryRowContext(ctx, `SELECT coalesce(sum(rows), 0), coalesce(sum(length(body)), 0) FROM groups WHERE id <= ?`, b.Last)
		if err := row.Scan(&gone.Rows, &gone.Bytes); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM groups WHERE id <= ?`, b.Last)
		return err
	})
	if err == nil {
		_, err = s.db.ExecContext(ctx, `PRAGMA incremental_vacuum(1000)`)
	}
	if err != nil {
		return fmt.Errorf("let go of a block of the spool: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting.Rows -= gone.Rows
	s.waiting.Bytes -= gone.Bytes
	return nil
}

// inTx runs f in a transaction that writes, of which there is one at a time.
func (s *Spool) inTx(ctx context.Context, f func(tx *sql.Tx) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// full makes a lack of space known as pageview.ErrFull.
func full(err error) error {
	if err != nil && (strings.Contains(err.Error(), "SQLITE_FULL") || strings.Contains(err.Error(), "disk is full")) {
		return fmt.Errorf("%w: %w", pageview.ErrFull, err)
	}
	return err
}
