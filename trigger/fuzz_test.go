package trigger

import (
	"errors"
	"fmt"
	"testing"
	"time"
	"unicode/utf8"
)

func FuzzParseCron(f *testing.F) {
	for _, r := range rules {
		f.Add(r.expr, int64(1714523400))
	}
	for _, s := range []string{
		"@hourly", "@every 1h30m", "CRON_TZ=Asia/Tokyo 0 4 * * *", "H H(2-5) * * H/2", "0 0 L-3,15W,LW * 1#2,5L,6#L",
		"0 0 12 1 1 * 2030-2033,2040", "*/5 2 * 3 0#L", "0 0 30 2 *", "5/20 * * * * *", "*/0 * * * *", "1--2 * * * *",
	} {
		f.Add(s, int64(-1))
	}
	f.Fuzz(func(t *testing.T, expr string, from int64) {
		c, err := ParseCron(expr)
		if err != nil {
			checkMistake(t, expr, err)
			return
		}
		checkTrigger(t, c, from)
		again, err := ParseCron(c.Expression())
		if err != nil || again.In(c.zone) != c {
			t.Errorf("%q reads back as %v, %v", c.Expression(), again, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"never", "every 5 minutes", "every 1h from 2024-05-01T00:30:00Z", "every 10m after end", "fresh 90s",
		"daily 03:00, 15:30:05 in Asia/Shanghai dst skip both", "weekly mon-fri, sun 09:00 except holidays",
		"monthly 1, -1 00:00 since 2024-05-01", "at 2024-05-01 09:00, 2024-06-01 in Europe/London",
		`cron "H 4 * * 1-5" in UTC jitter 5m limit 3`, "(daily or (every hour or never)) only \"opening hours\" in Asia/Tokyo",
		"daily between 2024-05-01 and 2024-09-01T12:00:00+02:00 until 2024-06-01", "0 4 * * 1-5",
	} {
		f.Add(s, int64(1714523400))
	}
	f.Fuzz(func(t *testing.T, text string, from int64) {
		tr, err := withCalendars.Parse(text)
		if err != nil {
			checkMistake(t, text, err)
			return
		}
		checkTrigger(t, tr, from)
	})
}

// checkMistake holds an error to its place in the text.
func checkMistake(t *testing.T, text string, err error) {
	var wrong *SyntaxError
	if !errors.As(err, &wrong) {
		t.Fatalf("%q: error is a %T", text, err)
	}
	if wrong.Text != text || wrong.Start < 0 || wrong.Start > wrong.End || wrong.End > len(text) || wrong.Problem == "" {
		t.Fatalf("%q: mistake from %d to %d of %q: %q", text, wrong.Start, wrong.End, wrong.Text, wrong.Problem)
	}
	_, _ = wrong.Error(), wrong.Underline()
}

// checkTrigger holds a trigger to what every trigger promises: later answers
// only, the same again, quickly, and a text that reads back.
func checkTrigger(t *testing.T, tr Trigger, from int64) {
	// The years 1 to 9999, in which texts can write instants.
	after := time.Unix(-62135596800+(from&0x7fffffffffffffff)%315537897600, from&0x3fffffff%1e9)
	text := fmt.Sprint(tr)
	again, err := withCalendars.Parse(text)
	if err != nil && writable(tr) {
		t.Fatalf("its text %q does not read back: %v", text, err)
	} else if err == nil && fmt.Sprint(again) != text {
		t.Fatalf("%q reads back as %q", text, again)
	}
	at := after
	for range 5 {
		start := time.Now()
		next := tr.Next(at)
		if took := time.Since(start); took > time.Second {
			t.Fatalf("%q after %v took %v", text, at, took)
		}
		if again != nil && !again.Next(at).Equal(next) {
			t.Fatalf("%q after %v gives %v, and read back %v", text, at, next, again.Next(at))
		}
		if next.IsZero() {
			break
		}
		if !next.After(at) {
			t.Fatalf("%q after %v gives %v", text, at, next)
		}
		at = next
	}
	for _, tick := range Explain(tr, after, 2) {
		_ = tick.Sentence(English)
	}
	if s := Describe(tr, Chinese); s == "" || utf8.ValidString(text) && !utf8.ValidString(s) {
		t.Fatalf("%q is described as %q", text, s)
	}
}

// writable tells whether a trigger's instants are in years of four digits.
func writable(tr Trigger) bool {
	inYears := func(at ...time.Time) bool {
		for _, t := range at {
			if y := t.UTC().Year(); y < 0 || y > 9999 {
				return false
			}
		}
		return true
	}
	switch t := tr.(type) {
	case Interval:
		return inYears(t.Anchor)
	case Instants:
		return inYears(t.at...)
	case Bounded:
		return inYears(t.from, t.to) && writable(t.trigger)
	case combinator:
		for _, inner := range t.inside() {
			if !writable(inner) {
				return false
			}
		}
	}
	return true
}
