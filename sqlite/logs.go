package sqlite

import (
	"context"
	"encoding/json"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
)

// putLog writes what the run of a tick has logged.
func (c *conn) putLog(k scheduler.Key, l *scheduler.Log) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return c.exec(`INSERT INTO beforehand_logs (job, due, fence, log) VALUES (?, ?, ?, ?)
		ON CONFLICT (job, due, fence) DO UPDATE SET log = excluded.log`,
		k.Job, k.Due.UnixMicro(), l.Fence, string(text))
}

// Logs implements scheduler.Store.
func (s *Jobs) Logs(ctx context.Context, k scheduler.Key) ([]*scheduler.Log, error) {
	var list []*scheduler.Log
	err := s.state.read(ctx, func(c *conn) error {
		return c.each(func(row scanner) error {
			var l scheduler.Log
			var text string
			if err := row.Scan(&l.Fence, &text); err != nil {
				return err
			}
			list = append(list, &l)
			return json.Unmarshal([]byte(text), &l)
		}, "SELECT fence, log FROM beforehand_logs WHERE job = ? AND due = ? ORDER BY fence", k.Job, k.Due.UnixMicro())
	})
	return list, wrap("read logs of "+k.String(), err)
}

// putReplica writes what a replica tells of itself, and forgets those that have
// been silent for long.
func (c *conn) putReplica(r *scheduler.Replica) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	err = c.exec("DELETE FROM beforehand_replicas WHERE seen < ?", r.Seen.Add(-scheduler.ReplicaGone).UnixMicro())
	if err != nil {
		return err
	}
	return c.exec(`INSERT INTO beforehand_replicas (holder, seen, replica) VALUES (?, ?, ?)
		ON CONFLICT (holder) DO UPDATE SET seen = excluded.seen, replica = excluded.replica`,
		r.Holder, r.Seen.UnixMicro(), string(text))
}

// Replicas implements scheduler.Store.
func (s *Jobs) Replicas(ctx context.Context) ([]scheduler.Replica, error) {
	var list []scheduler.Replica
	err := s.state.read(ctx, func(c *conn) error {
		return c.each(func(row scanner) error {
			var r scheduler.Replica
			var text string
			if err := row.Scan(&text); err != nil {
				return err
			}
			err := json.Unmarshal([]byte(text), &r)
			list = append(list, r)
			return err
		}, "SELECT replica FROM beforehand_replicas WHERE seen >= ? ORDER BY holder", time.Now().Add(-scheduler.ReplicaGone).UnixMicro())
	})
	return list, wrap("read replicas", err)
}
