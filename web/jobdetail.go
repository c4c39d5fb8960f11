package web

import (
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

// jobView is what the template of one job sees.
type jobView struct {
	JobDetail
	jobPen
}

// Top is the head of the page.
func (v *jobView) Top() top { return top{v.pen, v.Nav} }

// Busy tells whether something is under way, which is worth a look each second.
func (v *jobView) Busy() bool { return len(v.Open) > 0 }

// LogURL is the page with what the runs of a tick have logged.
func (v *jobView) LogURL(t *scheduler.Tick) string {
	return v.URL(v.Name) + "&log=" + url.QueryEscape(t.Due.Format(time.RFC3339Nano)) + "#log"
}

// LogCount is how many lines the runs of a tick have logged.
func (v *jobView) LogCount(t *scheduler.Tick) int {
	n := t.Progress.Logged
	for _, a := range t.Earlier {
		n += a.Logged
	}
	return n
}

// LogAttempt is the place of a run among those of the tick whose log is shown.
func (v *jobView) LogAttempt(l *scheduler.Log) string {
	n := 1
	for _, a := range v.LogOf.Earlier {
		if a.Fence < l.Fence {
			n++
		}
	}
	return strconv.Itoa(n)
}

// Clock is the time of a line by the page's clock.
func (v *jobView) Clock(at time.Time) template.HTML {
	at = at.In(v.clock.zone)
	return element(at.Format(time.RFC3339Nano), at.Format("15:04:05.000"))
}

// Means is the edited trigger in words.
func (v *jobView) Means() string { return trigger.Describe(v.Edit.Trigger, Triggers(v.Lang)) }

// Where are the text and the marks below its mistake.
func (v *jobView) Where() string {
	var wrong *trigger.SyntaxError
	if errors.As(v.Edit.Wrong, &wrong) {
		return wrong.Underline()
	}
	return ""
}

// Why is what is wrong with the text.
func (v *jobView) Why() string {
	var wrong *trigger.SyntaxError
	if !errors.As(v.Edit.Wrong, &wrong) {
		return v.Edit.Wrong.Error()
	}
	text, allowed := wrong.Words(Triggers(v.Lang))
	if allowed != "" {
		text += v.words["semicolon"] + fmt.Sprintf(v.words["edit_allowed"], allowed)
	}
	return text
}

// explained is a tick of the edited trigger in words.
type explained struct {
	Due  bool
	Time template.HTML // by the clock of the trigger's zone
	Left string        // that it is left out
	Note string        // what daylight saving or a calendar did to it
}

func (v *jobView) Explained(t trigger.Tick) explained {
	at := t.At
	if at.Location() == time.UTC {
		at = at.In(v.clock.zone)
	}
	clock := at.Format("15:04")
	if at.Second() != 0 {
		clock = at.Format(time.TimeOnly)
	}
	day := strings.Fields(v.words["weekdays"])[at.Weekday()]
	text := fmt.Sprintf(v.words["edit_tick"], day, at.Format(v.words["date"]), clock, at.Format("-07:00"))
	return explained{t.Due(), element(at.Format(time.RFC3339), text), v.words["edit_out"], t.Sentence(Triggers(v.Lang))}
}

// LevelClass is the style of a line.
func (v *jobView) LevelClass(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "bad"
	case l >= slog.LevelWarn:
		return "waiting"
	}
	return "none"
}

// DidWord says that an action was done.
func (v *jobView) DidWord() string {
	switch v.Did {
	case "run":
		return v.words["did_run"]
	case "pause":
		return v.words["did_pause"]
	case "resume":
		return v.words["did_resume"]
	case "cancel":
		return v.words["did_cancel"]
	case "trigger":
		return v.words["did_trigger"]
	}
	return ""
}

// OverlapWord is the job's policy for a tick that is due while another runs.
func (v *jobView) OverlapWord() string {
	switch o := v.Definition.Overlap; {
	case o == scheduler.QueueOne:
		return v.words["overlap_queue"]
	case o == scheduler.CancelOlder:
		return v.words["overlap_cancel"]
	case o > 1:
		return fmt.Sprintf(v.words["overlap_allow"], strconv.Itoa(int(o)))
	}
	return v.words["overlap_skip"]
}

// MisfireWord is its policy for ticks that passed while nobody could run them.
func (v *jobView) MisfireWord() string {
	switch m := v.Definition.Misfire; {
	case m == scheduler.SkipMissed:
		return v.words["misfire_skip"]
	case m > 0:
		return fmt.Sprintf(v.words["misfire_all"], strconv.Itoa(int(m)))
	}
	return v.words["misfire_latest"]
}

// Changed tells whether the trigger is another than the program declares.
func (v *jobView) Changed() bool {
	return v.Declared != nil && v.Declared.Trigger != "" && v.Declared.Trigger != v.Definition.Trigger
}

// Attempts is how often a tick whose run fails is tried in all.
func (v *jobView) Attempts() string { return strconv.Itoa(max(v.Definition.Retry.Attempts, 1)) }

// Labels are what a process must carry to run the job.
func (v *jobView) Labels() string { return strings.Join(v.Definition.Labels, v.words["and"]) }

// MoreURL is the page with all of the history that is kept.
func (v *jobView) MoreURL() string { return v.URL(v.Name) + "&history=all#history" }
