package report

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// ReadAnswer reads what [Answer.JSON] wrote of the answer to a question. The
// question's days are those that were answered for; of the days in Renewed only
// the first, the last and their number are right. A question with Top is not
// read.
func ReadAnswer(q Question, text []byte) (*Answer, error) {
	a := &Answer{Question: q}
	if q.folded() >= 0 {
		return a, fmt.Errorf("read answer: its others are added up")
	}
	var doc struct {
		Rows  []json.RawMessage `json:"rows"`
		Total json.RawMessage   `json:"total"`
		Other struct {
			Rows int `json:"rows"`
			counted
		} `json:"other"`
		AsOf     time.Time   `json:"as_of"`
		From     string      `json:"from"`
		Days     [2]*string  `json:"days"`
		Compared [2]*string  `json:"compared_days"`
		Not      []*someDays `json:"not_counted"`
		Over     *someDays   `json:"visitors_may_be_over"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return a, fmt.Errorf("read answer: %w", err)
	}
	var err error
	if a.Now.Rows, a.read, err = q.readRows(doc.Rows); err != nil {
		return a, err
	}
	var total countedRow
	if err := json.Unmarshal(doc.Total, &total); err != nil {
		return a, fmt.Errorf("read answer: total: %w", err)
	}
	a.Now.Total, a.Former.Total = total.values(), total.Previous.values()
	a.Now.Beyond, a.Now.Other = doc.Other.Rows, doc.Other.values()
	a.AsOf = doc.AsOf
	a.Now.Rollup = doc.From == "rollup"
	a.Former.Rollup = a.Now.Rollup
	if err := readDays(doc.Days, &a.From, &a.To); err != nil {
		return a, err
	}
	if err := readDays(doc.Compared, &a.FormerFrom, &a.FormerTo); err != nil {
		return a, err
	}
	for _, s := range doc.Not {
		u := pageview.Uncounted{Days: s.Days}
		if u.Source, err = pageview.ParseSource(s.Source); err == nil {
			err = readDays([2]*string{&s.First, &s.Last}, &u.First, &u.Last)
		}
		if err != nil {
			return a, fmt.Errorf("read answer: %w", err)
		}
		a.Now.Uncounted = append(a.Now.Uncounted, u)
	}
	a.Renewed, err = readRenewed(doc.Over)
	return a, err
}

// counted are metrics as an answer writes them; one that is not known is null.
type counted struct {
	Pageviews  int64 `json:"pageviews"`
	Visits     int64 `json:"visits"`
	Visitors   int64 `json:"visitors"`
	TimeOnPage int64 `json:"time_on_page"`
	Timed      int64 `json:"timed"`
}

// values are the metrics. The seconds are those of the mean, which was rounded.
func (c counted) values() pageview.Values {
	return pageview.Values{Pageviews: c.Pageviews, Visits: c.Visits, Visitors: c.Visitors, Timed: c.Timed, Seconds: c.TimeOnPage * c.Timed}
}

type countedRow struct {
	counted
	Previous counted `json:"previous"`
}

// readRows reads rows, and what they were, by their keys.
func (q *Question) readRows(texts []json.RawMessage) (rows []pageview.Row, was map[string]pageview.Values, err error) {
	was = map[string]pageview.Values{}
	for _, text := range texts {
		var row countedRow
		var members map[string]any
		if err := json.Unmarshal(text, &row); err != nil {
			return nil, nil, fmt.Errorf("read answer: row: %w", err)
		}
		if err := json.Unmarshal(text, &members); err != nil {
			return nil, nil, fmt.Errorf("read answer: row: %w", err)
		}
		keys := make([]string, len(q.By))
		for i, d := range q.By {
			var ok bool
			if keys[i], ok = members[string(d)].(string); !ok {
				return nil, nil, fmt.Errorf("read answer: a row has no %s", d)
			}
		}
		rows = append(rows, pageview.Row{Keys: keys, Values: row.values()})
		was[strings.Join(keys, between)] = row.Previous.values()
	}
	return rows, was, nil
}

func readDays(texts [2]*string, from, to *pageview.Day) error {
	for i, day := range []*pageview.Day{from, to} {
		*day = 0
		if texts[i] == nil {
			continue
		}
		t, err := time.Parse(time.DateOnly, *texts[i])
		if err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		*day = pageview.DayOf(t)
	}
	return nil
}

// readRenewed makes days of which the first, the last and the number are right.
func readRenewed(over *someDays) ([]pageview.Day, error) {
	days := []pageview.Day{}
	if over == nil {
		return days, nil
	}
	var first, last pageview.Day
	if err := readDays([2]*string{&over.First, &over.Last}, &first, &last); err != nil {
		return nil, err
	}
	for i := range over.Days - 1 {
		days = append(days, first+pageview.Day(i))
	}
	return append(days, last), nil
}

// Over are the days of the answer on which somebody may be counted as two
// visitors: the first, the last, and how many they are.
func (a *Answer) Over() (first, last pageview.Day, days int) {
	for _, d := range a.Renewed {
		if a.From != 0 && d < a.From || a.To != 0 && d > a.To {
			continue
		}
		if days == 0 {
			first = d
		}
		last = d
		days++
	}
	return first, last, days
}
