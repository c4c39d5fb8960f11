package collect

import (
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// Further reasons why a line of a log is left out. Reasons of bots are in agent.go;
// in a summary a feed reader counts under its own reason and every other bot
// under LeftBot.
const (
	LeftBot            = "bot"             // kept apart, and not counted
	LeftFeedReader     = "feed_reader"     // kept apart, and not counted
	LeftBroken         = "broken"          // not a line of the format
	LeftComment        = "comment"         // tells of the log itself, as lines with # do in some formats
	LeftAlreadyCounted = "already_counted" // read by an earlier import
)

// maxBroken is how many broken lines a summary names.
const maxBroken = 10

// Summary tells what an import did. Lines is the sum of Pageviews and all of
// LeftOut.
type Summary struct {
	Format      string           `json:"format,omitempty"` // of the log, as FormatNames has it; of several, each
	Lines       int64            `json:"lines"`
	Pageviews   int64            `json:"pageviews"`
	LeftOut     map[string]int64 `json:"left_out"`
	BrokenLines []BrokenLine     `json:"broken_lines,omitempty"` // the first ten
	First       *time.Time       `json:"first"`                  // of the pageviews; nil means there are none
	Last        *time.Time       `json:"last"`
	Totals      []Total          `json:"totals,omitempty"` // what an export says its sums are
	Seconds     float64          `json:"seconds"`
}

// Total is a sum that a file tells of itself, beside what was kept of it.
type Total struct {
	What string `json:"what"`
	File int64  `json:"file"`
	Kept int64  `json:"kept"`
}

// BrokenLine says where a line is and what is wrong with it, never what it
// holds.
type BrokenLine struct {
	File string `json:"file"`
	Line int64  `json:"line"` // from 1
	Why  string `json:"why"`
}

// Add adds what another import did.
func (s *Summary) Add(o Summary) {
	switch {
	case s.Format == "":
		s.Format = o.Format
	case o.Format != "" && !slices.Contains(strings.Split(s.Format, ", "), o.Format):
		s.Format += ", " + o.Format
	}
	s.Lines += o.Lines
	s.Pageviews += o.Pageviews
	s.Seconds += o.Seconds
	s.Totals = append(s.Totals, o.Totals...)
	for reason, n := range o.LeftOut {
		s.Leave(reason, n)
	}
	for _, b := range o.BrokenLines {
		s.Name(b)
	}
	if o.First != nil {
		s.see(*o.First)
		s.see(*o.Last)
	}
}

// Leave counts n that are left out.
func (s *Summary) Leave(reason string, n int64) {
	if s.LeftOut == nil {
		s.LeftOut = map[string]int64{}
	}
	s.LeftOut[reason] += n
}

// Break counts a line that could not be read.
func (s *Summary) Break(b BrokenLine) {
	s.Leave(LeftBroken, 1)
	s.Name(b)
}

// Name tells of a line that could not be read, if it is one of the first.
func (s *Summary) Name(b BrokenLine) {
	if len(s.BrokenLines) < maxBroken {
		s.BrokenLines = append(s.BrokenLines, b)
	}
}

// Keep counts a pageview that is kept, a bot's under its reason.
func (s *Summary) Keep(v *pageview.Pageview) {
	switch v.Bot {
	case "":
		s.Pageviews++
		s.see(v.At)
	case BotFeedReader:
		s.Leave(LeftFeedReader, 1)
	default:
		s.Leave(LeftBot, 1)
	}
}

func (s *Summary) see(t time.Time) {
	if s.First == nil {
		s.First, s.Last = new(t), new(t)
	}
	if t.Before(*s.First) {
		*s.First = t
	}
	if t.After(*s.Last) {
		*s.Last = t
	}
}
