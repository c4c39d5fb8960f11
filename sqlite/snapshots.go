package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
)

var _ snapshot.Store = (*Snapshots)(nil)

// Snapshots keeps finished results in two tables.
type Snapshots struct{ state *State }

// Put implements snapshot.Store.
func (s *Snapshots) Put(ctx context.Context, snap snapshot.Snapshot) (snapshot.Snapshot, error) {
	var got snapshot.Snapshot
	err := s.state.write(ctx, func(c *conn) (err error) {
		got, err = c.putSnapshot(snap)
		return err
	})
	return got, wrap("put "+snap.String(), err)
}

// putSnapshot writes a snapshot in the transaction under way.
func (c *conn) putSnapshot(s snapshot.Snapshot) (snapshot.Snapshot, error) {
	var version, fence int64
	err := c.row("SELECT version, fence FROM beforehand_snapshot_keys WHERE report = ? AND params = ?", s.Report, s.Params).Scan(&version, &fence)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return s, err
	}
	var newest int64
	err = c.row("SELECT coalesce(max(version), 0) FROM beforehand_snapshots WHERE report = ? AND params = ?", s.Report, s.Params).Scan(&newest)
	if err != nil {
		return s, err
	}
	if s.Fence == 0 && s.Base != newest || s.Fence > 0 && s.Fence < fence {
		return s, snapshot.ErrLate
	}
	keep := int64(cmp.Or(s.Keep, snapshot.DefaultKeep))
	s.Version, s.Revision, s.Base, s.Keep = version+1, 0, 0, 0
	head, body, err := snapshot.Encode(s)
	if err != nil {
		return s, fmt.Errorf("%w: %w", scheduler.ErrEffect, err)
	}
	err = c.row("INSERT INTO beforehand_snapshots (report, params, version, held, head, body) VALUES (?, ?, ?, ?, ?, ?) RETURNING revision",
		s.Report, s.Params, s.Version, s.Held != "", string(head), body).Scan(&s.Revision)
	if err != nil {
		return s, err
	}
	err = c.exec(`INSERT INTO beforehand_snapshot_keys VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET version = excluded.version, fence = max(fence, excluded.fence)`,
		s.Report, s.Params, s.Version, s.Fence)
	if err != nil {
		return s, err
	}
	return s, c.exec(`DELETE FROM beforehand_snapshots WHERE report = ?1 AND params = ?2 AND version <= ?3
		AND version <> (SELECT coalesce(max(version), 0) FROM beforehand_snapshots WHERE report = ?1 AND params = ?2 AND NOT held)`,
		s.Report, s.Params, s.Version-keep)
}

// Get implements snapshot.Store.
func (s *Snapshots) Get(ctx context.Context, k snapshot.Key, version int64) (snapshot.Snapshot, error) {
	var revision int64
	var head, body []byte
	err := s.state.read(ctx, func(c *conn) error {
		which := "version = ?"
		if version == 0 {
			which = "NOT held AND ? = 0 ORDER BY version DESC LIMIT 1"
		}
		return c.row("SELECT revision, head, body FROM beforehand_snapshots WHERE report = ? AND params = ? AND "+which,
			k.Report, k.Params, version).Scan(&revision, &head, &body)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = snapshot.ErrNone
	}
	if err != nil {
		return snapshot.Snapshot{}, wrap("get "+k.String(), err)
	}
	snap, err := snapshot.Decode(head, body)
	snap.Revision = revision
	return snap, wrap("get "+k.String(), err)
}

// Versions implements snapshot.Store.
func (s *Snapshots) Versions(ctx context.Context, k snapshot.Key) ([]snapshot.Snapshot, error) {
	return s.heads(ctx, "list "+k.String(),
		"SELECT revision, head FROM beforehand_snapshots WHERE report = ? AND params = ? ORDER BY version DESC", k.Report, k.Params)
}

// Changes implements snapshot.Store.
func (s *Snapshots) Changes(ctx context.Context, since int64) ([]snapshot.Snapshot, error) {
	return s.heads(ctx, fmt.Sprintf("list changes since %d", since),
		"SELECT revision, head FROM beforehand_snapshots WHERE revision > ? ORDER BY revision", since)
}

// lookEvery is how often a process looks for snapshots of others. SQLite tells
// nobody of a write; a look reads the end of one index, for some microseconds.
const lookEvery = 50 * time.Millisecond

// Changed implements snapshot.Store.
func (s *Snapshots) Changed() <-chan struct{} {
	s.state.watch()
	return s.state.snapshots.Listen()
}

// watchSnapshots gives a hint whenever the newest snapshot is another.
func (s *State) watchSnapshots(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var last int64
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		var newest int64
		err := s.read(ctx, func(c *conn) error {
			return c.row("SELECT coalesce(max(revision), 0) FROM beforehand_snapshots").Scan(&newest)
		})
		if err == nil && newest != last { // whoever polls tells of an error
			last = newest
			s.snapshots.Give()
		}
	}
}

func (s *Snapshots) heads(ctx context.Context, verb, query string, args ...any) ([]snapshot.Snapshot, error) {
	var list []snapshot.Snapshot
	err := s.state.read(ctx, func(c *conn) error {
		return c.each(func(row scanner) error {
			var revision int64
			var head []byte
			if err := row.Scan(&revision, &head); err != nil {
				return err
			}
			snap, err := snapshot.DecodeHead(head)
			snap.Revision = revision
			list = append(list, snap)
			return err
		}, query, args...)
	})
	return list, wrap(verb, err)
}

// Delete implements snapshot.Store.
func (s *Snapshots) Delete(ctx context.Context, k snapshot.Key) error {
	return wrap("delete "+k.String(), s.state.write(ctx, func(c *conn) error {
		return c.exec("DELETE FROM beforehand_snapshots WHERE report = ? AND params = ?", k.Report, k.Params)
	}))
}
