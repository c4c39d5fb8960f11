package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/beforehand-go/beforehand/internal/hint"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
)

var _ snapshot.Store = (*Snapshots)(nil)

// Snapshots keeps finished results in two tables.
type Snapshots struct {
	pool    *pgxpool.Pool
	changed *hint.Hint // nil means that none come
}

// Changed implements snapshot.Store.
func (s *Snapshots) Changed() <-chan struct{} {
	if s.changed == nil {
		return nil
	}
	return s.changed.Listen()
}

// Put implements snapshot.Store.
func (s *Snapshots) Put(ctx context.Context, snap snapshot.Snapshot) (snapshot.Snapshot, error) {
	var got snapshot.Snapshot
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		got, err = putSnapshot(ctx, tx, snap)
		return err
	})
	if err != nil {
		return got, fmt.Errorf("put %s: %w", snap.Key, err)
	}
	return got, nil
}

// putSnapshot writes a snapshot in a transaction.
func putSnapshot(ctx context.Context, tx pgx.Tx, s snapshot.Snapshot) (snapshot.Snapshot, error) {
	// From here to the commit no one else writes a snapshot.
	err := tx.QueryRow(ctx, "UPDATE beforehand.snapshot_revision SET n = n + 1 RETURNING n").Scan(&s.Revision)
	if err != nil {
		return s, err
	}
	var version, fence, newest int64
	err = tx.QueryRow(ctx, `SELECT version, fence,
			(SELECT coalesce(max(s.version), 0) FROM beforehand.snapshots s WHERE s.report = k.report AND s.params = k.params)
		FROM beforehand.snapshot_keys k WHERE report = $1 AND params = $2`, s.Report, s.Params).Scan(&version, &fence, &newest)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return s, err
	}
	if s.Fence == 0 && s.Base != newest || s.Fence > 0 && s.Fence < fence {
		return s, snapshot.ErrLate
	}
	keep := int64(cmp.Or(s.Keep, snapshot.DefaultKeep))
	s.Version, s.Base, s.Keep = version+1, 0, 0
	head, body, err := snapshot.Encode(s)
	if err != nil {
		return s, fmt.Errorf("%w: %w", scheduler.ErrEffect, err)
	}
	b := &pgx.Batch{}
	b.Queue("INSERT INTO beforehand.snapshots (report, params, version, revision, held, head, body) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		s.Report, s.Params, s.Version, s.Revision, s.Held != "", head, body)
	b.Queue(`INSERT INTO beforehand.snapshot_keys AS k VALUES ($1, $2, $3, $4)
		ON CONFLICT (report, params) DO UPDATE SET version = excluded.version, fence = greatest(k.fence, excluded.fence)`,
		s.Report, s.Params, s.Version, s.Fence)
	b.Queue(`DELETE FROM beforehand.snapshots WHERE report = $1 AND params = $2 AND version <= $3
		AND version <> (SELECT coalesce(max(version), 0) FROM beforehand.snapshots WHERE report = $1 AND params = $2 AND NOT held)`,
		s.Report, s.Params, s.Version-keep)
	// Commits with a NOTIFY wait for each other; these do so anyway.
	b.Queue("NOTIFY " + snapshotChannel)
	return s, tx.SendBatch(ctx, b).Close()
}

// Get implements snapshot.Store.
func (s *Snapshots) Get(ctx context.Context, k snapshot.Key, version int64) (snapshot.Snapshot, error) {
	which := "version = $3"
	if version == 0 {
		which = "NOT held AND $3 = 0::bigint ORDER BY version DESC LIMIT 1"
	}
	var head, body []byte
	err := s.pool.QueryRow(ctx, "SELECT head, body FROM beforehand.snapshots WHERE report = $1 AND params = $2 AND "+which,
		k.Report, k.Params, version).Scan(&head, &body)
	if errors.Is(err, pgx.ErrNoRows) {
		err = snapshot.ErrNone
	}
	if err != nil {
		return snapshot.Snapshot{}, fmt.Errorf("get %s: %w", k, err)
	}
	return snapshot.Decode(head, body)
}

// Versions implements snapshot.Store.
func (s *Snapshots) Versions(ctx context.Context, k snapshot.Key) ([]snapshot.Snapshot, error) {
	list, err := s.heads(ctx,
		"SELECT head FROM beforehand.snapshots WHERE report = $1 AND params = $2 ORDER BY version DESC", k.Report, k.Params)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", k, err)
	}
	return list, nil
}

// Changes implements snapshot.Store.
func (s *Snapshots) Changes(ctx context.Context, since int64) ([]snapshot.Snapshot, error) {
	list, err := s.heads(ctx, "SELECT head FROM beforehand.snapshots WHERE revision > $1 ORDER BY revision", since)
	if err != nil {
		return nil, fmt.Errorf("list changes since %d: %w", since, err)
	}
	return list, nil
}

func (s *Snapshots) heads(ctx context.Context, sql string, args ...any) ([]snapshot.Snapshot, error) {
	rows, err := s.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (snapshot.Snapshot, error) {
		var head []byte
		if err := row.Scan(&head); err != nil {
			return snapshot.Snapshot{}, err
		}
		return snapshot.DecodeHead(head)
	})
}

// Delete implements snapshot.Store.
func (s *Snapshots) Delete(ctx context.Context, k snapshot.Key) error {
	_, err := s.pool.Exec(ctx, "DELETE FROM beforehand.snapshots WHERE report = $1 AND params = $2", k.Report, k.Params)
	if err != nil {
		return fmt.Errorf("delete %s: %w", k, err)
	}
	return nil
}
