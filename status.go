package beforehand

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/beforehand-go/beforehand/snapshot"
)

// Current is a report's value with what there is to say of it.
type Current[T any] struct {
	// Value is the last result, the zero value before the first. It is
	// shared and must not be changed.
	Value T
	Status
}

// Status is what there is to say of the snapshot in service. Its JSON is the
// answer of [Report.ServeStatus], for every reader, and leaves out Error.
type Status struct {
	Report string `json:"report"`
	// Params are the parameters of one of a family, as JSON.
	Params json.RawMessage `json:"params,omitempty"`
	// Version is the snapshot's; zero means that none was ever finished.
	Version int64 `json:"version"`
	// ComputedAt is when the run had its result, Took how long it worked,
	// Tick the due instant it was for.
	ComputedAt time.Time     `json:"computed_at,omitzero"`
	Took       time.Duration `json:"took_ns"`
	Tick       time.Time     `json:"for_tick,omitzero"`
	// Pageviews are those the result has counted, where it counts any.
	Pageviews snapshot.Pageviews `json:"pageviews,omitzero"`

	// NextAt is the next due instant, zero for none.
	NextAt time.Time `json:"next_at,omitzero"`
	// Usual is how long a run takes as a rule.
	Usual time.Duration `json:"usually_took_ns,omitzero"`
	// RunningSince is when the run under way began, zero if none is.
	RunningSince time.Time `json:"running_since,omitzero"`

	// Stale is why the snapshot is older than it should be; empty if fresh.
	Stale string `json:"stale,omitempty"`
	// Failures counts the ticks without success since the last one with.
	Failures int `json:"failures,omitempty"`
	// Error is what the last of them said. It may hold what is not for
	// every reader.
	Error string `json:"-"`
	// Held is the newest version that waits for approval, zero for none,
	// and HeldFor the reason.
	Held    int64  `json:"held,omitempty"`
	HeldFor string `json:"-"`

	// Files are the formats in service, without bytes.
	Files []snapshot.File `json:"files"`
}

// Bytes returns the size of a format as it is, zero if there is no such.
func (s Status) Bytes(format string) int {
	for _, f := range s.Files {
		if f.Format == format && f.Encoding == "" {
			return f.Size
		}
	}
	return 0
}

// Status returns what [Report.Current] tells beside the value.
func (r *Report[T]) Status() Status { return r.Current().Status }

// Current returns the value with its status. It never waits for a computation
// or a store.
func (r *Report[T]) Current() Current[T] {
	k := r.value.Load()
	return Current[T]{Value: k.value, Status: r.c.status(k.snapshot)}
}

// status says what there is to say of a snapshot.
func (c *core) status(s snapshot.Snapshot) Status {
	c.mu.Lock()
	t, held, heldFor := c.told, c.held, c.heldFor
	c.mu.Unlock()
	now := time.Now()
	state := c.stateOf(t, held, s.Version)
	st := Status{
		Report: c.name, Params: json.RawMessage(c.params), Version: s.Version, ComputedAt: s.ComputedAt, Took: s.Took, Tick: s.Tick,
		Pageviews: s.Pageviews, NextAt: state.NextAt, Usual: state.Usual, RunningSince: state.RunningSince,
		Stale: state.Reason(now), Failures: t.failures, Error: t.err,
		Files: []snapshot.File{},
	}
	if held > s.Version {
		st.Held, st.HeldFor = held, heldFor
	}
	for _, f := range s.Files {
		if f.Format[0] != '.' {
			f.Body = nil
			st.Files = append(st.Files, f)
		}
	}
	return st
}

// ServeStatus answers with [Status] as JSON, by custom at REPORT/status.json.
func (r *Report[T]) ServeStatus(w http.ResponseWriter, req *http.Request) { r.c.serveStatus(w, req) }

func (c *core) serveStatus(w http.ResponseWriter, req *http.Request) {
	b, err := json.Marshal(c.status(c.served.Load().Snapshot()))
	if err != nil {
		http.Error(w, "no status", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	c.allowOrigin(h, req)
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(b)+1))
	_, _ = w.Write(append(b, '\n'))
}

// allowOrigin lets the scripts of other origins read what is no snapshot.
func (c *core) allowOrigin(h http.Header, req *http.Request) {
	origins := c.policy.Rules.Origins
	if len(origins) == 0 {
		return
	}
	h.Add("Vary", "Origin")
	if slices.Contains(origins, "*") {
		h.Set("Access-Control-Allow-Origin", "*")
	} else if origin := req.Header.Get("Origin"); slices.Contains(origins, origin) {
		h.Set("Access-Control-Allow-Origin", origin)
	}
}
