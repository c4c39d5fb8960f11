package server

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
)

// statsAnswer is what a question is answered with.
type statsAnswer struct {
	query                statsQuery
	now, former          pageview.Answer
	formerFrom, formerTo pageview.Day
	asOf                 time.Time
}

func (a *statsAnswer) write(w http.ResponseWriter) {
	body, kind := a.json(), "application/json"
	if a.query.csv {
		body, kind = a.csv(), "text/csv; charset=utf-8"
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept")
	w.Write(body)
}

// json writes the answer with the members in their order.
func (a *statsAnswer) json() []byte {
	var o object
	o.begin("rows")
	o.WriteByte('[')
	former := a.formerRows()
	for i, r := range a.now.Rows {
		if i > 0 {
			o.WriteByte(',')
		}
		a.values(&o, r.Keys, r.Values, former(r.Keys))
	}
	o.WriteByte(']')
	o.begin("total")
	a.values(&o, nil, a.now.Total, a.former.Total)
	o.begin("other")
	var other object
	other.add("rows", a.now.Beyond)
	a.metrics(&other, a.now.Other)
	o.Write(other.end())
	o.add("as_of", a.asOf.UTC().Format(time.RFC3339Nano))
	o.add("from", a.source())
	o.add("zone", a.query.zone.String())
	o.add("days", days(a.query.From, a.query.To))
	if a.query.compare != "" {
		o.add("compared_days", days(a.formerFrom, a.formerTo))
	}
	return append(o.end(), '\n')
}

// source tells where the numbers come from.
func (a *statsAnswer) source() string {
	if a.now.Rollup && (a.query.compare == "" || a.former.Rollup) {
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
func (a *statsAnswer) values(to *object, keys []string, now, former pageview.Values) {
	var o object
	for i, k := range keys {
		o.add(string(a.query.By[i]), k)
	}
	a.metrics(&o, now)
	if a.query.compare != "" {
		var was, change object
		a.metrics(&was, former)
		for _, m := range a.query.Metrics {
			change.add(string(m), grown(now.Of(m), former.Of(m)))
		}
		o.begin("previous")
		o.Write(was.end())
		o.begin("change")
		o.Write(change.end())
	}
	to.Write(o.end())
}

func (a *statsAnswer) metrics(o *object, v pageview.Values) {
	for _, m := range a.query.Metrics {
		o.add(string(m), v.Of(m))
	}
}

// grown is by how much of what it was a number has grown: 0.25 is a quarter
// more. Nil is a number that was zero.
func grown(now, former int64) *float64 {
	if former == 0 {
		return nil
	}
	g := float64(now-former) / float64(former)
	return &g
}

// csv writes the rows, and what is beyond the limit as a row named other.
func (a *statsAnswer) csv() []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	var head []string
	for _, d := range a.query.By {
		head = append(head, string(d))
	}
	for _, m := range a.query.Metrics {
		head = append(head, string(m))
	}
	if a.query.compare != "" {
		for _, m := range a.query.Metrics {
			head = append(head, "previous_"+string(m))
		}
	}
	_ = w.Write(head) // into memory
	rows := a.now.Rows
	if len(a.query.By) == 0 {
		rows = []pageview.Row{{Values: a.now.Total}}
	}
	former := a.formerRows()
	for _, r := range rows {
		was := a.former.Total
		if len(r.Keys) > 0 {
			was = former(r.Keys)
		}
		_ = w.Write(a.record(r, was))
	}
	if a.now.Beyond > 0 {
		keys := make([]string, len(a.query.By))
		keys[0] = report.Other
		_ = w.Write(a.record(pageview.Row{Keys: keys, Values: a.now.Other}, pageview.Values{}))
	}
	w.Flush()
	return b.Bytes()
}

func (a *statsAnswer) record(r pageview.Row, was pageview.Values) []string {
	var cells []string
	for _, k := range r.Keys {
		cells = append(cells, plain(k))
	}
	for _, m := range a.query.Metrics {
		cells = append(cells, strconv.FormatInt(r.Of(m), 10))
	}
	if a.query.compare != "" {
		for _, m := range a.query.Metrics {
			cells = append(cells, strconv.FormatInt(was.Of(m), 10))
		}
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
