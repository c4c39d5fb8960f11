package tables

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/pageview"
)

// shares is into how many marks the last totals of a table are divided, so that
// one page that grew does not have all of them written again.
const shares = 16

// maxCounters bounds the rows of a table of totals, all of which are read at
// once.
const maxCounters = 2_000_000

// counter is a page with its total, that of several rows added up.
type counter struct {
	hash  uint64
	total int64
	row   *row
}

// totals are the last totals of a share, as its mark keeps them.
type totals struct {
	First  bool // the first reading has not ended
	byHash map[uint64]int64
}

// MarshalJSON packs the totals, in the order of the hashes.
func (t totals) MarshalJSON() ([]byte, error) {
	var b []byte
	for _, h := range slices.Sorted(maps.Keys(t.byHash)) {
		b = binary.LittleEndian.AppendUint64(b, h)
		b = binary.AppendUvarint(b, uint64(t.byHash[h]))
	}
	return json.Marshal(map[string]any{"first": t.First, "totals": b})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (t *totals) UnmarshalJSON(text []byte) error {
	var m struct {
		First  bool   `json:"first"`
		Totals []byte `json:"totals"`
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return err
	}
	t.First, t.byHash = m.First, map[uint64]int64{}
	for b := m.Totals; len(b) > 0; {
		if len(b) < 9 {
			return base64.CorruptInputError(0)
		}
		total, n := binary.Uvarint(b[8:])
		if n <= 0 {
			return base64.CorruptInputError(0)
		}
		t.byHash[binary.LittleEndian.Uint64(b)] = int64(total)
		b = b[8+n:]
	}
	return nil
}

// counters reads a table of totals.
func (r *reading) counters(ctx context.Context) error {
	var columns []string
	for _, name := range r.plan.names {
		columns = append(columns, r.DB.Column(name))
	}
	list, err := r.query(ctx, fmt.Sprintf("SELECT %s FROM %s LIMIT %d", strings.Join(columns, ", "), r.DB.Name(r.Config.Table), maxCounters+1), nil)
	if err != nil {
		return err
	}
	if len(list) > maxCounters {
		return fmt.Errorf("it has more than %d rows: is it a table of totals?", maxCounters)
	}
	byShare := r.sum(list)
	for _, pages := range byShare {
		r.total += int64(len(pages))
	}
	for i := range shares {
		if err := r.share(ctx, fmt.Sprintf("counter %s/%d", r.Config.Name, i), byShare[i]); err != nil {
			return err
		}
		r.done += int64(len(byShare[i]))
		r.tell()
	}
	r.summary.Add(r.step) // what no share was committed for
	return nil
}

// sum adds up the rows of each page.
func (r *reading) sum(list []row) (byShare [shares][]counter) {
	byPage := map[uint64]*counter{}
	for i := range list {
		w := &list[i]
		page, ok := r.plan.fields[partURL].of(w)
		if !ok {
			r.step.Lines++
			r.step.Leave(collect.LeftNotAPage, 1)
			continue
		}
		total, ok := whole(r.value(w, partTotal))
		if !ok {
			r.step.Lines++
			r.step.Leave(LeftBadTotal, 1)
			continue
		}
		host, _ := r.plan.fields[partHost].of(w)
		h := hash(position{host, page})
		if byPage[h] == nil {
			byPage[h] = &counter{hash: h, row: w}
		}
		byPage[h].total += total
	}
	for _, h := range slices.Sorted(maps.Keys(byPage)) {
		byShare[h%shares] = append(byShare[h%shares], *byPage[h])
	}
	return byShare
}

// whole is a value as a whole number from zero on, small enough for a few of
// them to be added.
func whole(v any) (int64, bool) {
	s, ok := text(v)
	if before, after, found := strings.Cut(s, "."); found && strings.Trim(after, "0") == "" {
		s = before // a DECIMAL
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, ok && err == nil && n >= 0 && n < 1<<40
}

// share counts what the pages of a share have grown by.
func (r *reading) share(ctx context.Context, source string, pages []counter) (err error) {
	if r.from, err = r.Store.Mark(ctx, r.Site.Name, source); err != nil {
		return err
	}
	known := totals{First: true, byHash: map[uint64]int64{}}
	if r.from != "" {
		if err := json.Unmarshal([]byte(r.from), &known); err != nil {
			return errMark
		}
	}
	for _, c := range pages {
		if err := r.grow(ctx, source, &known, c); err != nil {
			return err
		}
	}
	if known.First {
		known.First, r.fresh = false, true
	}
	return r.keepTotals(ctx, source, known)
}

// grow makes a pageview of each by which a page has grown. A total that fell
// starts anew.
func (r *reading) grow(ctx context.Context, source string, known *totals, c counter) error {
	last := known.byHash[c.hash]
	if c.total == last {
		return nil
	}
	if c.total < last {
		last = 0
	}
	if c.total-last > r.plan.most {
		r.step.Lines++
		r.step.Leave(LeftTooMany, 1)
		return nil
	}
	at := r.now
	if known.First && r.plan.since != nil {
		at = r.plan.since.Date(r.Site.Zone)
	}
	seen := r.seen(c.row, at, pageview.SourceCounter)
	seen.NoAgent, seen.Addr, seen.Visitor = true, "", ""
	v, left, err := r.Intake.Pageview(ctx, r.Site, seen)
	if err != nil {
		return err
	}
	for last < c.total {
		if len(r.batch) >= batchRows {
			if err := r.keepTotals(ctx, source, *known); err != nil {
				return err
			}
		}
		n := c.total - last
		if left == "" {
			n = min(n, int64(batchRows-len(r.batch)))
			for range n {
				r.batch = append(r.batch, v)
				r.step.Keep(&v)
			}
		} else {
			r.step.Leave(left, n)
		}
		last += n
		r.step.Lines += n
		r.fresh = true
		known.byHash[c.hash] = last
	}
	if known.byHash[c.hash] != last { // it fell to zero
		known.byHash[c.hash], r.fresh = last, true
	}
	return nil
}

// keepTotals makes the pageviews durable, together with the totals they came
// from.
func (r *reading) keepTotals(ctx context.Context, source string, known totals) error {
	if !r.fresh {
		return nil
	}
	to, err := json.Marshal(known)
	if err != nil {
		return err
	}
	return r.append(ctx, source, string(to))
}
