package scheduler

import (
	"encoding/json"
	"reflect"
	"slices"
	"time"

	"github.com/beforehand-go/beforehand/trigger"
)

// A Definition is what the store keeps of a Job: all but its name and its
// function. It is shared and never changed in place. Its JSON is what durable
// stores write.
type Definition struct {
	// Trigger is the trigger's text, empty for one that has none; such a
	// trigger cannot be changed from outside the program.
	Trigger string        `json:"trigger,omitzero"`
	After   []string      `json:"after,omitzero"`
	Timeout time.Duration `json:"timeout,omitzero"`
	Overlap Overlap       `json:"overlap,omitzero"`
	Misfire Misfire       `json:"misfire,omitzero"`
	Grace   time.Duration `json:"grace,omitzero"`
	Retry   Retry         `json:"retry,omitzero"`
	Alert   Alert         `json:"alert,omitzero"`
	Labels  []string      `json:"labels,omitzero"`
	AtStart bool          `json:"at_start,omitzero"`
}

// define takes from a job what the store keeps, but the trigger.
func define(j *Job) Definition {
	return Definition{
		After: j.After, Timeout: j.Timeout, Overlap: j.Overlap,
		Misfire: j.Misfire, Grace: j.Grace, Retry: j.Retry, Alert: j.Alert,
		Labels: j.Labels, AtStart: j.AtStart,
	}
}

// A declaration is a job about to become known to this process.
type declaration struct {
	job        *Job
	trigger    trigger.Trigger
	comparable bool // Go can compare the trigger
	def        *Definition
	state      *State // as stored
	plan       *plan  // what was written, nil if nothing had to be
}

// declaration returns what a job declares. Most jobs of a program have the same
// policies, and many the same trigger: equal ones share one copy.
func (s *Scheduler) declaration(j *Job) declaration {
	d := define(j)
	s.mu.Lock()
	defer s.mu.Unlock()
	t, last := j.Trigger, s.last
	if last.comparable && t == last.trigger {
		t, d.Trigger = last.trigger, last.def.Trigger
	} else {
		d.Trigger = triggerText(t)
		last.comparable = t != nil && reflect.ValueOf(t).Comparable()
	}
	if last.def == nil || !last.def.Equal(&d) {
		own := d
		own.After, own.Labels = slices.Clone(d.After), slices.Clone(d.Labels)
		last.def = &own
	}
	s.last = declaration{trigger: t, comparable: last.comparable, def: last.def}
	return declaration{job: j, trigger: t, def: last.def}
}

// ParseDefinition reads the JSON a store has kept. One that this version does
// not understand makes the job one that is left to others: it is never an
// error, and never a reason to delete anything.
func ParseDefinition(text []byte) *Definition {
	var d Definition
	if err := json.Unmarshal(text, &d); err != nil {
		d = Definition{Overlap: unknownOverlap}
	}
	return &d
}

// Equal tells whether two definitions say the same.
func (d *Definition) Equal(o *Definition) bool {
	return d == o || d != nil && o != nil &&
		d.Trigger == o.Trigger && slices.Equal(d.After, o.After) &&
		d.Timeout == o.Timeout && d.Overlap == o.Overlap && d.Misfire == o.Misfire &&
		d.Grace == o.Grace && d.Retry == o.Retry && d.Alert == o.Alert &&
		slices.Equal(d.Labels, o.Labels) && d.AtStart == o.AtStart
}

// known tells whether this version understands the policies.
func (d *Definition) known() bool {
	return d.Overlap >= CancelOlder && d.Misfire >= SkipMissed
}
