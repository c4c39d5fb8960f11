package postgres

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/beforehand-go/beforehand/scheduler"
)

const (
	jobColumns  = "name, version, definition, declared, due, last, wake, paused, removed, fence, count, open, record"
	tickColumns = "job, due, version, outcome, reason, asked, count, until, attempt, fence, holder, lease, ready, started, ended, cancel, progress, earlier"
)

// jobRow and tickRow are rows on their way into the database with what has to be
// made of their fields first.
type jobRow struct {
	*scheduler.State
	definition, declared string
	open, record         *string
}

type tickRow struct {
	*scheduler.Tick
	progress, earlier *string
}

// jobRows makes rows of the jobs of changes. A definition that stays as it is is
// left to the database; see putJobs.
func jobRows(changes map[string]*scheduler.Change) ([]jobRow, error) {
	rows := make([]jobRow, 0, len(changes))
	for _, c := range changes {
		r := jobRow{State: c.Job, definition: "null", declared: "null"}
		var err [4]error
		if !c.SameDefinition {
			r.definition, err[0] = toJSON(r.Definition)
			r.declared, err[1] = toJSON(r.Declared)
		}
		r.open, err[2] = optional(r.Open, len(r.Open) == 0)
		r.record, err[3] = optional(r.Record, r.Record == nil)
		if err := errors.Join(err[:]...); err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func tickRows(ticks map[scheduler.Key]*scheduler.Tick) ([]tickRow, error) {
	rows := make([]tickRow, 0, len(ticks))
	for _, t := range ticks {
		progress, err := optional(t.Progress, t.Progress == scheduler.Progress{})
		if err != nil {
			return nil, err
		}
		earlier, err := optional(t.Earlier, len(t.Earlier) == 0)
		if err != nil {
			return nil, err
		}
		rows = append(rows, tickRow{t, progress, earlier})
	}
	return rows, nil
}

// column is one column of rows: all rows of a transaction go to the database in
// one statement, column by column.
func column[R, T any](rows []R, of func(*R) T) []T {
	list := make([]T, len(rows))
	for i := range rows {
		list[i] = of(&rows[i])
	}
	return list
}

func jobColumnsOf(rows []jobRow) []any {
	return []any{
		column(rows, func(r *jobRow) string { return r.Name }),
		column(rows, func(r *jobRow) int64 { return r.Version }),
		column(rows, func(r *jobRow) string { return r.definition }),
		column(rows, func(r *jobRow) string { return r.declared }),
		column(rows, func(r *jobRow) *time.Time { return instant(&r.Due) }),
		column(rows, func(r *jobRow) *time.Time { return instant(&r.Last) }),
		column(rows, func(r *jobRow) *time.Time { return instant(&r.Wake) }),
		column(rows, func(r *jobRow) bool { return r.Paused }),
		column(rows, func(r *jobRow) bool { return r.Removed }),
		column(rows, func(r *jobRow) int64 { return r.Fence }),
		column(rows, func(r *jobRow) int64 { return int64(r.Count) }),
		column(rows, func(r *jobRow) *string { return r.open }),
		column(rows, func(r *jobRow) *string { return r.record }),
	}
}

func tickColumnsOf(rows []tickRow) []any {
	return []any{
		column(rows, func(r *tickRow) string { return r.Job }),
		column(rows, func(r *tickRow) time.Time { return r.Due }),
		column(rows, func(r *tickRow) int64 { return r.Version }),
		column(rows, func(r *tickRow) string { return string(r.Outcome) }),
		column(rows, func(r *tickRow) string { return r.Reason }),
		column(rows, func(r *tickRow) bool { return r.Asked }),
		column(rows, func(r *tickRow) int64 { return int64(r.Count) }),
		column(rows, func(r *tickRow) *time.Time { return instant(&r.Until) }),
		column(rows, func(r *tickRow) int64 { return int64(r.Attempt) }),
		column(rows, func(r *tickRow) int64 { return r.Fence }),
		column(rows, func(r *tickRow) string { return r.Holder }),
		column(rows, func(r *tickRow) int64 { return int64(r.Lease) }),
		column(rows, func(r *tickRow) *time.Time { return instant(&r.Ready) }),
		column(rows, func(r *tickRow) *time.Time { return instant(&r.Started) }),
		column(rows, func(r *tickRow) *time.Time { return instant(&r.Ended) }),
		column(rows, func(r *tickRow) string { return r.Cancel }),
		column(rows, func(r *tickRow) *string { return r.progress }),
		column(rows, func(r *tickRow) *string { return r.earlier }),
	}
}

func toJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

// optional is how a value is kept that is often empty.
func optional(v any, empty bool) (*string, error) {
	if empty {
		return nil, nil
	}
	text, err := toJSON(v)
	return &text, err
}

// instant is how a time is kept: NULL for the zero time.
func instant(t *time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return t
}

func fromInstant(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func scanJob(rows pgx.Rows) (*scheduler.State, error) {
	var st scheduler.State
	var definition, declared, open, record []byte
	var due, last, wake *time.Time
	err := rows.Scan(&st.Name, &st.Version, &definition, &declared, &due, &last, &wake,
		&st.Paused, &st.Removed, &st.Fence, &st.Count, &open, &record)
	if err != nil {
		return nil, err
	}
	st.Due, st.Last, st.Wake = fromInstant(due), fromInstant(last), fromInstant(wake)
	st.Definition, st.Declared = scheduler.ParseDefinition(definition), scheduler.ParseDefinition(declared)
	return &st, errors.Join(fromJSON(open, &st.Open), fromJSON(record, &st.Record))
}

func scanTick(rows pgx.Rows) (*scheduler.Tick, error) {
	var t scheduler.Tick
	var due, until, ready, started, ended *time.Time
	var progress, earlier []byte
	err := rows.Scan(&t.Job, &due, &t.Version, &t.Outcome, &t.Reason, &t.Asked, &t.Count, &until, &t.Attempt, &t.Fence,
		&t.Holder, (*int64)(&t.Lease), &ready, &started, &ended, &t.Cancel, &progress, &earlier)
	if err != nil {
		return nil, err
	}
	t.Due, t.Until, t.Ready = fromInstant(due), fromInstant(until), fromInstant(ready)
	t.Started, t.Ended = fromInstant(started), fromInstant(ended)
	return &t, errors.Join(fromJSON(progress, &t.Progress), fromJSON(earlier, &t.Earlier))
}

func fromJSON(b []byte, v any) error {
	if b == nil {
		return nil
	}
	return json.Unmarshal(b, v)
}
