package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/beforehand-go/beforehand/scheduler"
)

// queueNotes adds what writes the log and the replica of a change.
func queueNotes(b *pgx.Batch, c *scheduler.Change) error {
	if l := c.Log; l != nil {
		text, err := toJSON(l)
		if err != nil {
			return err
		}
		k := c.Ticks[0].Key()
		b.Queue(`INSERT INTO beforehand.logs (job, due, fence, log) VALUES ($1, $2, $3, $4)
			ON CONFLICT (job, due, fence) DO UPDATE SET log = excluded.log`, k.Job, k.Due, l.Fence, text)
	}
	if r := c.Replica; r != nil {
		text, err := toJSON(r)
		if err != nil {
			return err
		}
		b.Queue("DELETE FROM beforehand.replicas WHERE seen < $1 AND holder <> $2", r.Seen.Add(-scheduler.ReplicaGone), r.Holder)
		b.Queue(`INSERT INTO beforehand.replicas (holder, seen, replica) VALUES ($1, $2, $3)
			ON CONFLICT (holder) DO UPDATE SET seen = excluded.seen, replica = excluded.replica`, r.Holder, r.Seen, text)
	}
	return nil
}

// Logs implements scheduler.Store.
func (s *Jobs) Logs(ctx context.Context, k scheduler.Key) ([]*scheduler.Log, error) {
	list, err := query(ctx, s.pool, func(rows pgx.Rows) (*scheduler.Log, error) {
		var l scheduler.Log
		var text []byte
		if err := rows.Scan(&l.Fence, &text); err != nil {
			return nil, err
		}
		return &l, json.Unmarshal(text, &l)
	}, "SELECT fence, log FROM beforehand.logs WHERE job = $1 AND due = $2 ORDER BY fence", k.Job, k.Due)
	if err != nil {
		return nil, fmt.Errorf("read logs of %s: %w", k, err)
	}
	return list, nil
}

// Replicas implements scheduler.Store.
func (s *Jobs) Replicas(ctx context.Context) ([]scheduler.Replica, error) {
	found, err := query(ctx, s.pool, func(rows pgx.Rows) (*scheduler.Replica, error) {
		var r scheduler.Replica
		var text []byte
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		return &r, json.Unmarshal(text, &r)
	}, "SELECT replica FROM beforehand.replicas WHERE seen >= clock_timestamp() - $1::interval ORDER BY holder", scheduler.ReplicaGone)
	if err != nil {
		return nil, fmt.Errorf("read replicas: %w", err)
	}
	list := make([]scheduler.Replica, len(found))
	for i, r := range found {
		list[i] = *r
	}
	return list, nil
}
