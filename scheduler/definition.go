package scheduler

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
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

// define takes from a job what the store keeps.
func define(j Job) Definition {
	d := Definition{
		After: slices.Clone(j.After), Timeout: j.Timeout, Overlap: j.Overlap,
		Misfire: j.Misfire, Grace: j.Grace, Retry: j.Retry, Alert: j.Alert,
		Labels: slices.Clone(j.Labels), AtStart: j.AtStart,
	}
	if s, ok := j.Trigger.(fmt.Stringer); ok {
		d.Trigger = s.String()
	}
	return d
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
