package report

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// Question is what is asked of a site's pageviews.
type Question struct {
	pageview.Query
	Compare Comparison     // what the answer is compared with; zero means nothing
	Zone    *time.Location // of the site's days

	// FormerFrom and FormerTo are the days compared with; zero means what
	// Compare says.
	FormerFrom, FormerTo pageview.Day
	// Top is how many values of a dimension have rows of their own where it
	// stands beside one of time; the others are added up by period. Zero
	// means all. Limit is then of no use.
	Top int
}

// Answer is what a question is answered with.
type Answer struct {
	Question
	Now, Former pageview.Answer // Former is empty where nothing is compared
	Others      []pageview.Row  // what Top leaves out, by period
	AsOf        time.Time       // when it was asked; zero leaves it out of what is written
	Renewed     []pageview.Day  // days on which somebody may be two visitors, in order; nil leaves them out of what is written

	formerOthers map[string]pageview.Values // by period
	read         map[string]pageview.Values // what rows were, of an answer that was read
}

// Ask asks a store, twice where the answer is compared.
func Ask(ctx context.Context, store pageview.Store, q Question) (*Answer, error) {
	a := &Answer{Question: q}
	now := q.Query
	if q.folded() >= 0 {
		now.Limit = maxFolded
	}
	var err error
	if a.Now, err = store.Query(ctx, now); err != nil {
		return a, err
	}
	if q.Compare != "" {
		former := q.Query
		former.From, former.To = q.former()
		former.Limit, former.Through = 0, a.Now.Through
		a.FormerFrom, a.FormerTo = former.From, former.To
		if a.Former, err = store.Query(ctx, former); err != nil {
			return a, err
		}
	}
	return a, a.fold()
}

// JSON writes the answer with the members in their order.
func (a *Answer) JSON() []byte {
	var o object
	o.begin("rows")
	o.WriteByte('[')
	former := a.formerRows()
	for i, r := range a.Now.Rows {
		if i > 0 {
			o.WriteByte(',')
		}
		a.values(&o, r.Keys, r.Values, former(r.Keys))
	}
	o.WriteByte(']')
	if a.folded() >= 0 {
		a.others(&o)
	}
	o.begin("total")
	a.values(&o, nil, a.Now.Total, a.Former.Total)
	o.begin("other")
	var other object
	other.add("rows", a.Now.Beyond)
	a.metrics(&other, a.Now.Other)
	o.Write(other.end())
	if !a.AsOf.IsZero() {
		o.add("as_of", a.AsOf.UTC().Format(time.RFC3339Nano))
	}
	o.add("from", a.source())
	o.add("zone", a.Zone.String())
	o.add("days", days(a.From, a.To))
	if a.Compare != "" {
		o.add("compared_days", days(a.FormerFrom, a.FormerTo))
	}
	o.add("not_counted", a.uncounted())
	if a.Renewed != nil {
		o.add("visitors_may_be_over", a.over())
	}
	return append(o.end(), '\n')
}

// someDays are days between two, and how many they are.
type someDays struct {
	Source string `json:"source,omitempty"`
	First  string `json:"first"`
	Last   string `json:"last"`
	Days   int    `json:"days"`
}

// uncounted are the sources that are in no number on some of the days.
func (a *Answer) uncounted() []someDays {
	all := []someDays{}
	for _, u := range a.Now.Uncounted {
		all = append(all, someDays{u.Source.String(), u.First.String(), u.Last.String(), u.Days})
	}
	return all
}

// over are the days on which somebody may be counted as two visitors.
func (a *Answer) over() *someDays {
	first, last, days := a.Over()
	if days == 0 {
		return nil
	}
	return &someDays{First: first.String(), Last: last.String(), Days: days}
}

// source tells where the numbers come from.
func (a *Answer) source() string {
	if a.Now.Rollup && (a.Compare == "" || a.Former.Rollup) {
		return "rollup"
	}
	return "raw"
}

// days are the first and the last day asked for; null is no bound.
func days(from, to pageview.Day) [2]*string {
	var bounds [2]*string
	for i, d := range []pageview.Day{from, to} {
		if d != 0 {
			text := d.String()
			bounds[i] = &text
		}
	}
	return bounds
}

// values writes keys and metrics, and beside them what they were.
func (a *Answer) values(to *object, keys []string, now, former pageview.Values) {
	var o object
	for i, k := range keys {
		o.add(string(a.By[i]), k)
	}
	a.counts(&o, now, former)
	to.Write(o.end())
}

// counts writes metrics, and beside them what they were.
func (a *Answer) counts(o *object, now, former pageview.Values) {
	a.metrics(o, now)
	if a.Compare == "" {
		return
	}
	var was, change object
	a.metrics(&was, former)
	for _, m := range a.Metrics {
		change.add(string(m), grown(now, former, m))
	}
	o.begin("previous")
	o.Write(was.end())
	o.begin("change")
	o.Write(change.end())
}

func (a *Answer) metrics(o *object, v pageview.Values) {
	for _, m := range a.Metrics {
		if v.Known(m) {
			o.add(string(m), v.Of(m))
		} else {
			o.add(string(m), nil)
		}
	}
}

// grown is by how much of what it was a number has grown: 0.25 is a quarter
// more. Nil is a number that was zero, or that is not known.
func grown(now, former pageview.Values, m pageview.Metric) *float64 {
	if former.Of(m) == 0 || !now.Known(m) {
		return nil
	}
	g := float64(now.Of(m)-former.Of(m)) / float64(former.Of(m))
	return &g
}

// CSV writes the rows, and what is beyond the limit as a row named other.
func (a *Answer) CSV() []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	var head []string
	for _, d := range a.By {
		head = append(head, string(d))
	}
	for _, m := range a.Metrics {
		head = append(head, string(m))
	}
	if a.Compare != "" {
		for _, m := range a.Metrics {
			head = append(head, "previous_"+string(m))
		}
	}
	_ = w.Write(head) // into memory
	rows := a.Now.Rows
	if len(a.By) == 0 {
		rows = []pageview.Row{{Values: a.Now.Total}}
	}
	former := a.formerRows()
	for _, r := range rows {
		was := a.Former.Total
		if len(r.Keys) > 0 {
			was = former(r.Keys)
		}
		_ = w.Write(a.record(r, was))
	}
	for _, r := range a.Others {
		_ = w.Write(a.record(a.named(r), a.formerOther(r)))
	}
	if a.Now.Beyond > 0 && a.folded() < 0 {
		keys := make([]string, len(a.By))
		keys[0] = Other
		_ = w.Write(a.record(pageview.Row{Keys: keys, Values: a.Now.Other}, pageview.Values{}))
	}
	w.Flush()
	return b.Bytes()
}

func (a *Answer) record(r pageview.Row, was pageview.Values) []string {
	var cells []string
	for _, k := range r.Keys {
		cells = append(cells, plain(k))
	}
	cells = a.numbers(cells, r.Values)
	if a.Compare != "" {
		cells = a.numbers(cells, was)
	}
	return cells
}

// numbers adds the metrics; one that is not known is empty.
func (a *Answer) numbers(cells []string, v pageview.Values) []string {
	for _, m := range a.Metrics {
		cell := ""
		if v.Known(m) {
			cell = strconv.FormatInt(v.Of(m), 10)
		}
		cells = append(cells, cell)
	}
	return cells
}

// plain keeps a spreadsheet from taking what a visitor sent for a formula.
func plain(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// object writes a JSON object, its members in their order.
type object struct{ bytes.Buffer }

func (o *object) begin(name string) {
	if o.Len() == 0 {
		o.WriteByte('{')
	} else {
		o.WriteByte(',')
	}
	o.WriteString(strconv.Quote(name)) // names are ours, and plain
	o.WriteByte(':')
}

func (o *object) add(name string, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // texts and numbers can be written
	}
	o.begin(name)
	o.Write(text)
}

// end is the whole object.
func (o *object) end() []byte {
	if o.Len() == 0 {
		o.WriteByte('{')
	}
	o.WriteByte('}')
	return o.Bytes()
}
