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

// jobRow and tickRow are rows on their way into the database, all of one
// transaction in one statement.
type jobRow struct {
	Name       string                `json:"name"`
	Version    int64                 `json:"version"`
	Definition *scheduler.Definition `json:"definition"`
	Declared   *scheduler.Definition `json:"declared"`
	Due        *time.Time            `json:"due"`
	Last       *time.Time            `json:"last"`
	Wake       *time.Time            `json:"wake"`
	Paused     bool                  `json:"paused"`
	Removed    bool                  `json:"removed"`
	Fence      int64                 `json:"fence"`
	Count      int                   `json:"count"`
	Open       []scheduler.OpenTick  `json:"open,omitempty"`
	Record     *scheduler.Record     `json:"record,omitempty"`
}

func toJobRow(st *scheduler.State) jobRow {
	return jobRow{
		Name: st.Name, Version: st.Version, Definition: st.Definition, Declared: st.Declared,
		Due: instant(&st.Due), Last: instant(&st.Last), Wake: instant(&st.Wake),
		Paused: st.Paused, Removed: st.Removed, Fence: st.Fence, Count: st.Count, Open: st.Open, Record: st.Record,
	}
}

type tickRow struct {
	Job      string              `json:"job"`
	Due      time.Time           `json:"due"`
	Version  int64               `json:"version"`
	Outcome  scheduler.Outcome   `json:"outcome"`
	Reason   string              `json:"reason"`
	Asked    bool                `json:"asked"`
	Count    int                 `json:"count"`
	Until    *time.Time          `json:"until"`
	Attempt  int                 `json:"attempt"`
	Fence    int64               `json:"fence"`
	Holder   string              `json:"holder"`
	Lease    time.Duration       `json:"lease"`
	Ready    *time.Time          `json:"ready"`
	Started  *time.Time          `json:"started"`
	Ended    *time.Time          `json:"ended"`
	Cancel   string              `json:"cancel"`
	Progress *scheduler.Progress `json:"progress,omitempty"`
	Earlier  []scheduler.Attempt `json:"earlier,omitempty"`
}

func toTickRow(t *scheduler.Tick) tickRow {
	r := tickRow{
		Job: t.Job, Due: t.Due, Version: t.Version, Outcome: t.Outcome, Reason: t.Reason, Asked: t.Asked,
		Count: t.Count, Until: instant(&t.Until), Attempt: t.Attempt, Fence: t.Fence, Holder: t.Holder, Lease: t.Lease,
		Ready: instant(&t.Ready), Started: instant(&t.Started), Ended: instant(&t.Ended), Cancel: t.Cancel, Earlier: t.Earlier,
	}
	if t.Progress != (scheduler.Progress{}) {
		r.Progress = &t.Progress
	}
	return r
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
