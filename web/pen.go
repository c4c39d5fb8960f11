package web

import (
	"html/template"
	"time"

	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/internal/number"
	"github.com/beforehand-go/beforehand/scheduler"
)

// pen writes in the language and the zone of a page.
type pen struct {
	Lang  language.Language
	words words
	clock clock
}

func newPen(l language.Language, now time.Time, zone *time.Location) pen {
	if zone == nil {
		zone = time.UTC
	}
	return pen{l, catalogues[l], clock{now, zone, catalogues[l]}}
}

func (p pen) Say(name string, args ...any) (template.HTML, error) { return p.words.say(name, args...) }

func (p pen) Asset(name string) string       { return assets()[name].url }
func (p pen) Time(t time.Time) template.HTML { return p.clock.time(t) }
func (p pen) Exact(t time.Time) template.HTML {
	return element(t.In(p.clock.zone).Format(time.RFC3339), p.clock.exact(t))
}
func (p pen) Day(t time.Time) template.HTML { return p.clock.day(t) }
func (p pen) Span(d time.Duration) string   { return p.words.span(d) }
func (p pen) Number(n int64) string         { return number.Grouped(n) }
func (p pen) Int(n int) string              { return number.Grouped(int64(n)) }
func (p pen) ZoneName() string              { return p.clock.zone.String() }

// outcome is what became of a tick, in a word.
func (p pen) outcome(o scheduler.Outcome) string {
	name, ok := map[scheduler.Outcome]string{
		scheduler.Waiting: "outcome_waiting", scheduler.Running: "outcome_running", scheduler.Succeeded: "outcome_succeeded",
		scheduler.Failed: "outcome_failed", scheduler.TimedOut: "outcome_timed_out", scheduler.Cancelled: "outcome_cancelled",
		scheduler.Missed: "outcome_missed", scheduler.Coalesced: "outcome_coalesced", scheduler.Skipped: "outcome_skipped",
		scheduler.Lost: "outcome_lost",
	}[o]
	if !ok { // one that only a newer version knows
		return string(o)
	}
	return p.words[name]
}
