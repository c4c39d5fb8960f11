package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/maphash"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

const (
	keyLife   = 48 * time.Hour
	sweepKeys = time.Hour // pause between deletions of old keys

	// maxKeys is how many keys are held in memory: ten a second for two days.
	// Where there are more, each new key is looked up in the table.
	maxKeys = 2_000_000
)

// keyName is what a request is known by.
type keyName struct{ token, name string }

// keys tells which requests may have come before. It holds a hash of each key
// in the table, so that a new one costs no look-up.
type keys struct {
	seed  maphash.Seed
	held  map[uint64]struct{} // nil means that there are too many
	swept time.Time
	max   int
}

func newKeys() keys { return keys{seed: maphash.MakeSeed(), held: map[uint64]struct{}{}, max: maxKeys} }

func (k *keys) hash(n keyName) uint64 { return maphash.Comparable(k.seed, n) }

// hold notes a key of the table.
func (k *keys) hold(n keyName) {
	if len(k.held) >= k.max {
		k.held = nil
	}
	if k.held != nil {
		k.held[k.hash(n)] = struct{}{}
	}
}

// maybe tells whether a key may be in the table.
func (k *keys) maybe(n keyName) bool {
	_, held := k.held[k.hash(n)]
	return held || k.held == nil
}

// due tells whether it is time to delete old keys.
func (k *keys) due(now time.Time) bool { return now.Sub(k.swept) >= sweepKeys }

func (w *writer) loadKeys(ctx context.Context, now time.Time) error {
	w.keys.held, w.keys.swept = map[uint64]struct{}{}, now
	return each(ctx, w.conn, `SELECT token, name FROM keys LIMIT ?`, func(scan func(...any) error) error {
		var n keyName
		err := scan(&n.token, &n.name)
		w.keys.hold(n)
		return err
	}, w.keys.max+1)
}

// screenKey refuses a request that was kept before, or whose key was used for
// another one.
func (w *writer) screenKey(ctx context.Context, k *pageview.Key) error {
	n := keyName{k.Token, k.Name}
	if err := valid(n.token, n.name); err != nil {
		return refusal{err}
	}
	digest, found := w.added.keys[n]
	if !found && w.keys.maybe(n) {
		var kept []byte
		const query = `SELECT digest FROM keys WHERE token = ? AND name = ?`
		err := w.conn.QueryRowContext(ctx, query, n.token, n.name).Scan(&kept)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("look up key: %w", err)
		}
		found = err == nil
		copy(digest[:], kept)
	}
	switch {
	case !found:
		return nil
	case digest == k.Digest:
		return refusal{pageview.ErrRepeated}
	}
	return refusal{pageview.ErrKeyReused}
}

// writeKeys writes the keys of a group, and deletes those that are old.
func (w *writer) writeKeys(ctx context.Context, now time.Time) error {
	if w.keys.due(now) {
		before := now.Add(-keyLife)
		if _, err := w.conn.ExecContext(ctx, `DELETE FROM keys WHERE "at" < ?`, micro(before)); err != nil {
			return fmt.Errorf("delete old keys: %w", err)
		}
		if err := w.loadKeys(ctx, now); err != nil {
			return fmt.Errorf("load keys: %w", err)
		}
	}
	if len(w.added.keys) == 0 {
		return nil
	}
	rows := make([][]any, 0, len(w.added.keys))
	for n, digest := range w.added.keys {
		rows = append(rows, []any{n.token, n.name, digest[:], micro(now)})
		w.keys.hold(n)
	}
	if err := w.appendAll("keys", len(rows), func(i int) []any { return rows[i] }); err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	clear(w.added.keys)
	return nil
}
