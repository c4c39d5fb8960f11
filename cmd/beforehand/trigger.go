package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	_ "time/tzdata" // zones also where the system has no database of them

	"github.com/beforehand-go/beforehand/trigger"
)

// triggerFlags are the flags of the trigger command. They also stand in for
// what a question read by --stdin leaves out.
type triggerFlags struct {
	zone, from, job, lang string
	calendars             map[string]string
	n                     int
	json, stdin           bool
}

func runTrigger(_ context.Context, s stdio, args []string) error {
	var v triggerFlags
	f := newFlags(`trigger [flags] "EXPR"`)
	f.StringVar(&v.zone, "zone", "", "time `zone` of expressions that name none, such as Europe/London (default: this machine's)")
	f.StringVar(&v.from, "from", "", "`instant` after which ticks are listed, such as 2024-05-01T09:00:00Z (default: now)")
	f.IntVarP(&v.n, "n", "n", 10, "`number` of ticks")
	f.StringVar(&v.job, "job", "", "`name` of the job, from which H and jitter follow")
	f.StringToStringVar(&v.calendars, "calendar", nil, "`NAME=FILE` of an iCalendar file for \"except NAME\" and \"only NAME\"")
	f.StringVar(&v.lang, "lang", "en", "`language` of the sentences, en or zh")
	f.BoolVar(&v.json, "json", false, "print a JSON object")
	f.BoolVar(&v.stdin, "stdin", false, `answer a JSON object a line: {"cron" or "trigger","zone","from","n"} in, {"next"} or {"error"} out`)
	if err := f.parse(s, args, 1); err != nil {
		return err
	}
	question := triggerQuestion{Zone: cmp.Or(v.zone, machineZone()), From: v.from, N: v.n, job: v.job, calendar: calendarFinder(v.calendars)}
	if v.from == "" {
		question.From = time.Now().UTC().Format(time.RFC3339Nano)
	}
	language, known := map[string]trigger.Language{"en": trigger.English, "zh": trigger.Chinese}[v.lang]
	_, _, err := question.resolve()
	switch {
	case err != nil:
		return usageError{err}
	case !known:
		return usageError{fmt.Errorf("unknown language %q: use en or zh", v.lang)}
	case v.stdin && f.NArg() > 0:
		return usageError{fmt.Errorf("unexpected argument %q beside --stdin", f.Arg(0))}
	case v.stdin:
		return answerLines(s, question)
	case f.NArg() == 0:
		return usageError{errors.New(`what trigger? Give its text, such as "daily 03:00" or "0 4 * * 1-5"`)}
	}
	text := f.Arg(0)
	question.Trigger = &text
	answer, err := explain(question, language)
	var wrong *trigger.SyntaxError
	switch {
	case errors.As(err, &wrong):
		fmt.Fprintf(s.err, "beforehand trigger: %v\n\n  %s\n", err, strings.ReplaceAll(wrong.Underline(), "\n", "\n  "))
		return exitCode(1)
	case err != nil:
		return err
	case v.json:
		return writeJSON(s.out, answer)
	}
	return answer.print(s.out)
}

// A triggerExplanation is what the command prints about one trigger.
type triggerExplanation struct {
	Trigger string       `json:"trigger"`
	Means   string       `json:"means"`
	Next    []string     `json:"next"` // the ticks that take place
	Ticks   []tickAnswer `json:"ticks"`
}

type tickAnswer struct {
	At   string `json:"at"`
	Due  bool   `json:"due"`
	Kind string `json:"kind"`
	Why  string `json:"why,omitempty"`

	at time.Time
}

// explain finds the ticks of one trigger and puts them into words.
func explain(question triggerQuestion, l trigger.Language) (*triggerExplanation, error) {
	zone, from, err := question.resolve()
	if err != nil {
		return nil, err
	}
	t, err := question.parse(zone)
	if err != nil {
		return nil, err
	}
	answer := &triggerExplanation{Trigger: fmt.Sprint(t), Means: trigger.Describe(t, l), Next: []string{}, Ticks: []tickAnswer{}}
	for _, tick := range trigger.Explain(t, from, question.N) {
		at := shown(tick.At, zone)
		line := tickAnswer{At: at.Format(time.RFC3339Nano), Due: tick.Due(), Kind: tick.Kind.String(), Why: tick.Sentence(l), at: at}
		if answer.Ticks = append(answer.Ticks, line); line.Due {
			answer.Next = append(answer.Next, line.At)
		}
	}
	return answer, nil
}

// print writes a line for what the trigger means and one for each tick, with a
// mark before those that do not take place.
func (e *triggerExplanation) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", e.Means)
	for _, t := range e.Ticks {
		mark := " "
		if !t.Due {
			mark = "-"
		}
		fmt.Fprintf(&b, "%s %s", mark, t.at.Format("Mon 2006-01-02 15:04:05.999 -07:00"))
		if t.Why != "" {
			b.WriteString("  " + t.Why)
		}
		b.WriteByte('\n')
	}
	if len(e.Ticks) == 0 {
		b.WriteString("  never\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
