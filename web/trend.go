package web

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
)

// bar is a run in the trend of a job: a box in a view of trendHeight units.
type bar struct {
	X, Y, Height, Class, Title string
}

const (
	trendHeight  = 32 // units
	trendStep    = 6  // from one bar to the next
	ticksInTrend = 60
)

// trend is a row of bars as high as runs took long, the latest at the right.
type trend struct {
	Width int
	Label string
	Bars  []bar
}

// Trend is how long the last successful runs of a job took.
func (p jobPen) Trend(j Job) *trend {
	if j.Record == nil || len(j.Record.Took) == 0 {
		return nil
	}
	took := slices.Clone(j.Record.Took)
	t := newTrend(len(took), 10)
	slices.Reverse(took)
	for _, d := range took {
		t.add(d, slices.Max(took), "good", p.Span(d))
	}
	t.Label = p.spanOf(took)
	return t
}

// HistoryTrend is how long all attempts in the history took, and where ticks
// ended without one.
func (v *jobView) HistoryTrend() *trend {
	var took []time.Duration
	var ticks []*scheduler.Tick
	for _, t := range slices.Backward(v.History[:min(len(v.History), ticksInTrend)]) {
		if t.Outcome.Open() {
			continue
		}
		ticks = append(ticks, t)
		if d := v.Took(t); d > 0 {
			took = append(took, d)
		}
	}
	if len(took) == 0 {
		return nil
	}
	all := newTrend(len(ticks), ticksInTrend)
	all.Label = v.spanOf(took)
	for _, t := range ticks {
		title := v.clock.exact(t.Due) + " " + v.OutcomeWord(t.Outcome)
		if d := v.Took(t); d > 0 {
			title += " " + v.Span(d)
		}
		all.add(v.Took(t), slices.Max(took), v.outcomeClass(t.Outcome), title)
	}
	return all
}

// newTrend has room for bars, and for more where there are few, so that those
// of all jobs are as wide.
func newTrend(bars, room int) *trend { return &trend{Width: trendStep * max(room-bars, 0)} }

func (t *trend) add(took, most time.Duration, class, title string) {
	height := max(2, trendHeight*float64(took)/float64(max(most, 1)))
	t.Bars = append(t.Bars, bar{
		X: strconv.Itoa(t.Width), Y: strconv.FormatFloat(trendHeight-height, 'f', 1, 64),
		Height: strconv.FormatFloat(height, 'f', 1, 64), Class: class, Title: title,
	})
	t.Width += trendStep
}

// spanOf says how many runs took how long.
func (p pen) spanOf(took []time.Duration) string {
	return fmt.Sprintf(p.words["trend"], strconv.Itoa(len(took)), p.Span(slices.Min(took)), p.Span(slices.Max(took)))
}
