package tables

import (
	"encoding/json"
	"fmt"
	"time"
)

// progress is how far a table of rows was read. Either ids or keys is set.
type progress struct {
	ids  *ids
	keys *keys
	// witnesses are rows that were read: when none is there as it was, the
	// table was emptied and began anew.
	witnesses []witness
}

// witness is a row that was read.
type witness struct {
	ID int64  `json:"id"`
	At string `json:"at"` // as the table has it
}

// maxWitnesses are kept: the first row, and the newest.
const maxWitnesses = 8

// mark is progress as it is kept.
type mark struct {
	Key       string    `json:"key"` // columns
	Floor     position  `json:"floor,omitempty"`
	Runs      *string   `json:"runs,omitempty"`
	IDHeads   []idHead  `json:"id_heads,omitempty"`
	Known     string    `json:"known,omitempty"`
	KeyHeads  []keyHead `json:"key_heads,omitempty"`
	Witnesses []witness `json:"witnesses,omitempty"`
}

func (p *progress) encode(key string) (string, error) {
	m := mark{Key: key, Witnesses: p.witnesses}
	if p.ids != nil {
		runs := p.ids.encode()
		m.Floor, m.Runs, m.IDHeads = position{p.ids.floor}, &runs, p.ids.heads
	} else {
		m.Floor, m.Known, m.KeyHeads = p.keys.base(), p.keys.encode(), p.keys.heads
	}
	b, err := json.Marshal(m)
	return string(b), err
}

// decodeProgress reads a mark; an empty one begins at the first row.
func decodeProgress(text, key string, whole bool) (*progress, error) {
	p := &progress{}
	if whole {
		p.ids = newIDs()
	} else {
		p.keys = newKeys()
	}
	if text == "" {
		return p, nil
	}
	var m mark
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return nil, errMark
	}
	if m.Key != key || (m.Runs != nil) != whole {
		return nil, fmt.Errorf("it was read by the key %q until now: put that back, or give the source a new name, by which every row counts again", m.Key)
	}
	p.witnesses = m.Witnesses
	if !whole {
		p.keys.floor, p.keys.heads = m.Floor, m.KeyHeads
		return p, p.keys.decode(m.Known)
	}
	if len(m.Floor) != 1 {
		return nil, errMark
	}
	floor, ok := m.Floor[0].(int64)
	if !ok {
		return nil, errMark
	}
	p.ids.floor, p.ids.heads = floor, m.IDHeads
	return p, p.ids.decode(*m.Runs)
}

func (p *progress) settle(now time.Time) {
	if p.ids != nil {
		p.ids.settle(now)
	} else {
		p.keys.settle(now)
	}
}

// end remembers how far was read by now, and tells whether the mark has
// changed. last is the last row read, if there was one.
func (p *progress) end(now time.Time, last *witness) bool {
	if p.keys != nil {
		return p.keys.end(now)
	}
	if !p.ids.note(now) {
		return false
	}
	if last != nil {
		p.witnesses = append(p.witnesses, *last)
		if len(p.witnesses) > maxWitnesses {
			p.witnesses = append(p.witnesses[:1], p.witnesses[2:]...)
		}
	}
	return true
}
