package scheduler

import (
	"context"
	"sync"
	"time"
)

// PurgeRows is what a Purger asks of a store that keeps its ledger in rows.
type PurgeRows interface {
	// Aged reads rows due before an instant, from behind a key on, in order
	// of due and job, at most limit. Those may go that are marked so: they
	// ended before that instant and are below their job's Last.
	Aged(ctx context.Context, before time.Time, after Key, limit int) ([]PurgeRow, error)
	// Crowded names the jobs behind a name that have more than count rows,
	// in order, of as many jobs at most; last is the last job looked at,
	// empty at the end.
	Crowded(ctx context.Context, count int, after string, jobs int) (crowded []string, last string, err error)
	// Beyond reads the ended rows of a job that are older than its latest
	// count ones and below its Last, at most limit.
	Beyond(ctx context.Context, job string, count, limit int) ([]Key, error)
	// Delete deletes rows with their logs.
	Delete(ctx context.Context, keys []Key) (int, error)
}

// PurgeRow is a row that a Purger looks at.
type PurgeRow struct {
	Key
	Gone bool // it may go
}

const (
	// purgeBatch is how many rows are read or deleted at once.
	purgeBatch = 1000
	// purgeWrites is how often a job is written between two looks at how many
	// rows it has.
	purgeWrites = 256
	// purgeWhole is how long after it a whole look at the ledger is taken
	// again.
	purgeWhole = 24 * time.Hour
)

// A Purger carries out Store.Purge for stores that keep their ledger in rows, in
// small batches, and so that what it reads is in proportion to what it deletes:
// a job's rows are counted once in 256 writes, and of old rows those are passed
// over that were looked at before. Once a day, and at first, it looks at all.
type Purger struct {
	mu     sync.Mutex
	grown  map[string]struct{} // jobs whose rows are to be counted
	keep   Retention           // at the last whole look
	looked time.Time           // when that was
	aged   Key                 // up to here rows were looked at by age
}

// Note takes note of changes that a store is given to write.
func (p *Purger) Note(changes []Change) {
	for i := range changes {
		if st := changes[i].Job; st != nil && st.Version%purgeWrites == 0 {
			p.mu.Lock()
			if p.grown == nil {
				p.grown = map[string]struct{}{}
			}
			p.grown[st.Name] = struct{}{}
			p.mu.Unlock()
		}
	}
}

// Purge deletes what is beyond what is to be kept by the store's clock, and
// returns how many rows that were.
func (p *Purger) Purge(ctx context.Context, rows PurgeRows, now time.Time, keep Retention) (int, error) {
	p.mu.Lock()
	whole := keep != p.keep || now.Sub(p.looked).Abs() >= purgeWhole
	grown, after := p.grown, p.aged
	p.grown = nil
	p.mu.Unlock()
	if whole {
		after = Key{}
	}
	old, aged, err := purgeAged(ctx, rows, now, keep, after)
	if err != nil {
		return old, err
	}
	many, err := purgeMany(ctx, rows, keep, whole, grown)
	if err != nil {
		return old + many, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.aged = aged
	if whole {
		p.keep, p.looked = keep, now
	}
	return old + many, nil
}

// purgeAged deletes rows that ended too long ago, from behind a key on, and
// returns the last that it has looked at.
func purgeAged(ctx context.Context, rows PurgeRows, now time.Time, keep Retention, after Key) (int, Key, error) {
	all := 0
	for keep.Age > 0 {
		list, err := rows.Aged(ctx, now.Add(-keep.Age), after, purgeBatch)
		if err != nil {
			return all, after, err
		}
		var keys []Key
		for _, r := range list {
			if after = r.Key; r.Gone {
				keys = append(keys, r.Key)
			}
		}
		n, err := deleteRows(ctx, rows, keys)
		if all += n; err != nil || len(list) < purgeBatch {
			return all, after, err
		}
	}
	return all, after, nil
}

// purgeMany deletes the older rows of jobs that have too many: of all that do,
// or of those that have grown.
func purgeMany(ctx context.Context, rows PurgeRows, keep Retention, whole bool, grown map[string]struct{}) (int, error) {
	all := 0
	if keep.Count <= 0 {
		return 0, nil
	}
	if !whole {
		for job := range grown {
			n, err := purgeJob(ctx, rows, job, keep.Count)
			if all += n; err != nil {
				return all, err
			}
		}
		return all, nil
	}
	for after := ""; ; {
		crowded, last, err := rows.Crowded(ctx, keep.Count, after, purgeBatch)
		if err != nil {
			return all, err
		}
		for _, job := range crowded {
			n, err := purgeJob(ctx, rows, job, keep.Count)
			if all += n; err != nil {
				return all, err
			}
		}
		if after = last; after == "" {
			return all, nil
		}
	}
}

func purgeJob(ctx context.Context, rows PurgeRows, job string, count int) (int, error) {
	for all := 0; ; {
		keys, err := rows.Beyond(ctx, job, count, purgeBatch)
		if err != nil {
			return all, err
		}
		n, err := deleteRows(ctx, rows, keys)
		if all += n; err != nil || len(keys) < purgeBatch {
			return all, err
		}
	}
}

func deleteRows(ctx context.Context, rows PurgeRows, keys []Key) (int, error) {
	if len(keys) == 0 {
		return 0, nil
	}
	return rows.Delete(ctx, keys)
}
