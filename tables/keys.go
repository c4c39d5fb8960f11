package tables

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"time"
)

// maxKnown bounds how many rows of the window a mark knows.
const maxKnown = 20_000

// keys is how far a table was read whose key is no whole number: the rows of
// the window are read again each time, and dropped where they are known.
type keys struct {
	floor position // of a row; what comes before it, and itself, is not read again. Nil at first
	heads []keyHead
	known map[uint64]bool // rows above the floor that were read by an earlier run and not met again by this one
	met   []metKey        // rows above the floor that this run has met, in the order of the key
}

// keyHead is the highest key read at an instant.
type keyHead struct {
	At  int64    `json:"at"` // seconds since 1970
	Key position `json:"key"`
}

type metKey struct {
	hash   uint64
	key    position
	future bool // its time is yet to come
}

func newKeys() *keys { return &keys{known: map[uint64]bool{}} }

// settle raises the floor to what was read a window ago. It is called before a
// run meets the first row.
func (p *keys) settle(now time.Time) {
	for len(p.heads) > 0 && p.heads[0].At <= now.Add(-window).Unix() {
		p.floor = p.heads[0].Key
		p.heads = p.heads[1:]
	}
}

// meet notes a row, and tells whether it is new. Rows come in the order of the
// key, from the floor on.
func (p *keys) meet(key position, future bool) bool {
	h := hash(key)
	known := p.known[h]
	delete(p.known, h)
	p.met = append(p.met, metKey{h, key, future})
	if len(p.met) >= 2*maxKnown {
		p.floor = p.met[maxKnown-1].key
		p.met = append(p.met[:0], p.met[maxKnown:]...)
	}
	return !known
}

// end remembers, when a run has met all rows, how far was read by now. A row
// whose time is yet to come does not count: it would hide those that are
// written until then. It tells whether the mark has changed.
func (p *keys) end(now time.Time) bool {
	gone := len(p.known) > 0
	clear(p.known) // they were deleted, or lie below the floor
	if n := len(p.heads); n > 0 && p.heads[n-1].At > now.Add(-window/10).Unix() {
		return gone
	}
	for i := len(p.met) - 1; i >= 0; i-- {
		if !p.met[i].future {
			p.heads = append(p.heads, keyHead{now.Unix(), p.met[i].key})
			return true
		}
	}
	return gone
}

// hash knows a row by its key.
func hash(key position) uint64 {
	text, err := json.Marshal(key)
	if err != nil {
		panic(err) // a list of texts
	}
	sum := sha256.Sum256(text)
	return binary.LittleEndian.Uint64(sum[:])
}

// encode packs the hashes of the rows that are known.
func (p *keys) encode() string {
	met := p.met[max(0, len(p.met)-maxKnown):]
	var b []byte
	for _, m := range met {
		b = binary.LittleEndian.AppendUint64(b, m.hash)
	}
	for h := range p.known {
		b = binary.LittleEndian.AppendUint64(b, h)
	}
	return base64.RawStdEncoding.EncodeToString(b)
}

func (p *keys) decode(s string) error {
	b, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil || len(b)%8 != 0 {
		return errMark
	}
	for ; len(b) > 0; b = b[8:] {
		p.known[binary.LittleEndian.Uint64(b)] = true
	}
	return nil
}

// base is the floor that belongs to what encode packs.
func (p *keys) base() position {
	if over := len(p.met) - maxKnown; over > 0 {
		return p.met[over-1].key
	}
	return p.floor
}
