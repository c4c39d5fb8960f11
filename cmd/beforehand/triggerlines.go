package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/beforehand-go/beforehand/trigger"
)

// mostTicks bounds how many due instants one question may ask for.
const mostTicks = 100_000

// A triggerQuestion is a line of trigger --stdin: a bare cron expression or the
// text of any trigger, and how many ticks after what instant.
type triggerQuestion struct {
	Cron    *string `json:"cron"`
	Trigger *string `json:"trigger"`
	Zone    string  `json:"zone"`
	From    string  `json:"from"`
	N       int     `json:"n"`

	job      string
	calendar func(name string) (trigger.Calendar, error)
}

// answerLines answers every line, in order. A line that is wrong is answered
// with its error; what a line does not say is taken from the defaults.
func answerLines(s stdio, defaults triggerQuestion) error {
	in, out := bufio.NewReaderSize(s.in, 64<<10), bufio.NewWriter(s.out)
	for {
		line, readErr := in.ReadBytes('\n')
		if len(line) > 0 {
			if err := writeAnswer(out, line, defaults); err != nil {
				return err
			}
		}
		if readErr == nil && in.Buffered() > 0 {
			continue
		}
		if err := out.Flush(); err != nil {
			return err
		}
		if readErr == io.EOF {
			return nil
		} else if readErr != nil {
			return fmt.Errorf("read questions: %w", readErr)
		}
	}
}

// writeAnswer writes {"next":[…]} or {"error":"…"} and a line end.
func writeAnswer(w io.Writer, line []byte, defaults triggerQuestion) error {
	next, err := answer(line, defaults)
	if err != nil {
		return writeJSON(w, map[string]string{"error": err.Error()})
	}
	return writeJSON(w, map[string][]string{"next": next})
}

// writeJSON writes a value on a line of its own, with <, > and & as they are.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func answer(line []byte, question triggerQuestion) ([]string, error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&question); err == io.EOF {
		return nil, errors.New("read question: the line is empty")
	} else if err != nil {
		return nil, fmt.Errorf("read question: %w", err)
	}
	if d.More() {
		return nil, errors.New("read question: something follows the object")
	}
	zone, at, err := question.resolve()
	if err != nil {
		return nil, err
	}
	t, err := question.parse(zone)
	if err != nil {
		return nil, err
	}
	next := []string{}
	for range question.N {
		if at = t.Next(at); at.IsZero() {
			break
		}
		next = append(next, shown(at, zone).Format(time.RFC3339Nano))
	}
	return next, nil
}

// parse reads the expression: cron takes a bare cron expression and nothing
// else.
func (q *triggerQuestion) parse(zone *time.Location) (t trigger.Trigger, err error) {
	p := trigger.Parser{Zone: zone, Calendar: q.calendar}
	switch {
	case q.Cron != nil && q.Trigger != nil:
		return nil, errors.New("cron and trigger are both given")
	case q.Cron != nil:
		t, err = p.ParseCron(*q.Cron)
	case q.Trigger != nil:
		t, err = p.Parse(*q.Trigger)
	default:
		return nil, errors.New("neither cron nor trigger is given")
	}
	if err != nil {
		return nil, err
	}
	return trigger.Bind(t, trigger.Facts{Job: q.job}), nil
}

// resolve checks and reads what is not the expression.
func (q *triggerQuestion) resolve() (*time.Location, time.Time, error) {
	zone, err := time.LoadLocation(q.Zone)
	if err != nil || q.Zone == "" {
		return nil, time.Time{}, fmt.Errorf("unknown time zone %q: use a name like Europe/London", q.Zone)
	}
	from, err := time.Parse(time.RFC3339, q.From)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("from %q is no instant: write it like 2024-05-01T09:00:00Z", q.From)
	}
	if q.N < 0 || q.N > mostTicks {
		return nil, time.Time{}, fmt.Errorf("n is %d: use 0 to %d", q.N, mostTicks)
	}
	return zone, from, nil
}

// shown puts an instant of a trigger without a zone into the one asked for.
func shown(at time.Time, zone *time.Location) time.Time {
	if at.Location() == time.UTC {
		return at.In(zone)
	}
	return at
}
