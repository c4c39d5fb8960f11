package tables

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"time"
)

// window is how long after a row was read one with a lower key may still come:
// its transaction began earlier and ended later.
const window = 5 * time.Minute

// maxRuns bounds what a mark holds of the window.
const maxRuns = 20_000

// ids is how far a table was read whose key is a whole number: which numbers
// were read, and which are missing among them. What is missing is asked for
// again until a window has passed.
type ids struct {
	floor int64 // up to here nothing is asked for again
	runs  []span
	heads []idHead
}

// span is the numbers from and to, and all between.
type span struct{ from, to int64 }

// idHead is the greatest number read at an instant.
type idHead struct {
	At int64 `json:"at"` // seconds since 1970
	ID int64 `json:"id"`
}

func newIDs() *ids { return &ids{floor: math.MinInt64} }

// last is the greatest number read; the floor at first.
func (p *ids) last() int64 {
	if len(p.runs) == 0 {
		return p.floor
	}
	return p.runs[len(p.runs)-1].to
}

// add notes that a number was read, and tells whether that is new.
func (p *ids) add(id int64) bool {
	if id <= p.floor {
		return false
	}
	i := p.after(id)
	switch {
	case i > 0 && id <= p.runs[i-1].to:
		return false
	case i > 0 && id == p.runs[i-1].to+1:
		p.runs[i-1].to = id
		if i < len(p.runs) && p.runs[i].from == id+1 {
			p.runs[i-1].to = p.runs[i].to
			p.runs = append(p.runs[:i], p.runs[i+1:]...)
		}
	case i < len(p.runs) && p.runs[i].from == id+1:
		p.runs[i].from = id
	default:
		p.runs = append(p.runs, span{})
		copy(p.runs[i+1:], p.runs[i:])
		p.runs[i] = span{id, id}
	}
	return true
}

// after is the index of the first run that begins above id. Most numbers come
// in order, so it looks from the end.
func (p *ids) after(id int64) int {
	i := len(p.runs)
	for i > 0 && p.runs[i-1].from > id {
		i--
	}
	return i
}

// settle raises the floor to what was read a window ago, and higher when more
// is missing than a mark can hold.
func (p *ids) settle(now time.Time) {
	for len(p.heads) > 0 && p.heads[0].At <= now.Add(-window).Unix() {
		p.raise(p.heads[0].ID)
		p.heads = p.heads[1:]
	}
	if over := len(p.runs) - maxRuns; over > 0 {
		p.raise(p.runs[over-1].to)
	}
}

func (p *ids) raise(floor int64) {
	p.floor = max(p.floor, floor)
	for len(p.runs) > 0 && p.runs[0].to <= p.floor {
		p.runs = p.runs[1:]
	}
	if len(p.runs) > 0 && p.runs[0].from <= p.floor {
		p.runs[0].from = p.floor + 1
	}
}

// note remembers how far was read by now, ten times a window.
func (p *ids) note(now time.Time) bool {
	if n := len(p.heads); n > 0 && (p.heads[n-1].ID >= p.last() || p.heads[n-1].At > now.Add(-window/10).Unix()) {
		return false
	}
	if p.last() == p.floor {
		return false
	}
	p.heads = append(p.heads, idHead{now.Unix(), p.last()})
	return true
}

// gaps are the numbers between floor and last that were not read.
func (p *ids) gaps() []span {
	var gaps []span
	below := p.floor
	for _, r := range p.runs {
		if r.from > below+1 {
			gaps = append(gaps, span{below, r.from}) // both not among them
		}
		below = r.to
	}
	return gaps
}

// encode packs the runs: the distances from number to number.
func (p *ids) encode() string {
	var b []byte
	at := p.floor
	for _, r := range p.runs {
		b = binary.AppendUvarint(b, uint64(r.from-at))
		b = binary.AppendUvarint(b, uint64(r.to-r.from))
		at = r.to
	}
	return base64.RawStdEncoding.EncodeToString(b)
}

var errMark = errors.New("the mark of the table cannot be read")

func (p *ids) decode(s string) error {
	b, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil {
		return errMark
	}
	at := p.floor
	for len(b) > 0 {
		from, n := binary.Uvarint(b)
		if n <= 0 {
			return errMark
		}
		long, m := binary.Uvarint(b[n:])
		if m <= 0 {
			return errMark
		}
		b = b[n+m:]
		r := span{from: at + int64(from)}
		r.to = r.from + int64(long)
		p.runs = append(p.runs, r)
		at = r.to
	}
	return nil
}
