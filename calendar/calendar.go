// Package calendar keeps named sets of days, such as holidays, that triggers
// leave out or keep to ("daily 03:00 except holidays"), in a store that replicas
// share, so that all of them work out the same ticks. A calendar can be changed
// while programs run: a [Book] follows, and has the next ticks of the jobs that
// name it worked out anew.
package calendar

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A Calendar is a set of days under a name.
type Calendar struct {
	// Name is what triggers call it: at most 100 bytes of UTF-8, none of
	// them a quote or a control character.
	Name string
	// Days are dates, as midnight UTC, in order and each once; at most
	// MaxDays.
	Days []time.Time
	// Source says to people where the days came from.
	Source string
	// Declared is the print of the days that a configuration declared last;
	// empty for a calendar of none.
	Declared string
	// Changed is when it was written.
	Changed time.Time
	// Version counts the writes to it.
	Version int64
}

// MaxDays is how many days a calendar has at most.
const MaxDays = 100_000

// Errors that stores return, wrapped.
var (
	// ErrUnknown is for a calendar that is not there.
	ErrUnknown = errors.New("there is no such calendar")
	// ErrStale is for one that somebody else has written meanwhile.
	ErrStale = errors.New("changed meanwhile")
)

// Store keeps calendars. Every method may be called by many goroutines.
type Store interface {
	// Calendars returns all calendars, in order of name.
	Calendars(ctx context.Context) ([]Calendar, error)
	// Versions returns the version of each, by name.
	Versions(ctx context.Context) (map[string]int64, error)
	// Put writes a calendar if its Version is one more than that of the
	// stored one, which is zero where there is none; else it is ErrStale.
	Put(ctx context.Context, c Calendar) error
	// Remove deletes a calendar, or returns ErrUnknown.
	Remove(ctx context.Context, name string) error
}

// New makes a calendar of dates, whichever times and zones they come in.
func New(name, source string, dates ...time.Time) Calendar {
	c := Calendar{Name: name, Source: source, Days: make([]time.Time, len(dates))}
	for i, t := range dates {
		y, m, d := t.Date()
		c.Days[i] = time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	slices.SortFunc(c.Days, time.Time.Compare)
	c.Days = slices.CompactFunc(c.Days, time.Time.Equal)
	return c
}

// Check refuses a calendar that cannot be kept.
func (c *Calendar) Check() error {
	unfit := func(r rune) bool { return r == '"' || unicode.IsControl(r) }
	switch {
	case c.Name == "" || len(c.Name) > 100 || !utf8.ValidString(c.Name) || strings.ContainsFunc(c.Name, unfit):
		return fmt.Errorf("calendar %q: a name has 1 to 100 bytes of UTF-8 without quotes and control characters", c.Name)
	case len(c.Days) > MaxDays:
		return fmt.Errorf("calendar %s: it has %d days; allowed are %d", c.Name, len(c.Days), MaxDays)
	}
	return nil
}

// Text is the days as stores keep them: a date a line.
func (c *Calendar) Text() string {
	var b strings.Builder
	for _, d := range c.Days {
		b.WriteString(d.Format(time.DateOnly))
		b.WriteByte('\n')
	}
	return b.String()
}

// ParseDays reads what Text wrote.
func ParseDays(text string) ([]time.Time, error) {
	var days []time.Time
	for line := range strings.Lines(text) {
		d, err := time.Parse(time.DateOnly, strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, err
		}
		days = append(days, d)
	}
	return days, nil
}

// print is what a configuration's days are known by.
func (c *Calendar) print() string {
	sum := sha256.Sum256([]byte(c.Text()))
	return hex.EncodeToString(sum[:8])
}

// Set writes the days of a calendar, whatever there was.
func Set(ctx context.Context, s Store, c Calendar) error {
	return put(ctx, s, c, func(was Calendar) Calendar {
		c.Declared = was.Declared
		return c
	})
}

// Declare writes a calendar as a configuration declares it: what was set since
// stays until the configuration declares other days than it did last.
func Declare(ctx context.Context, s Store, c Calendar) error {
	c.Declared = c.print()
	return put(ctx, s, c, func(was Calendar) Calendar {
		if was.Declared == c.Declared {
			return was
		}
		return c
	})
}

// put writes what becomes of a calendar, as often as somebody else is faster.
func put(ctx context.Context, s Store, c Calendar, become func(was Calendar) Calendar) error {
	if err := c.Check(); err != nil {
		return err
	}
	for range 20 {
		list, err := s.Calendars(ctx)
		if err != nil {
			return err
		}
		var was Calendar
		if i := slices.IndexFunc(list, func(o Calendar) bool { return o.Name == c.Name }); i >= 0 {
			was = list[i]
		}
		now := become(was)
		if now.Version == was.Version && was.Version > 0 {
			return nil
		}
		now.Version, now.Changed = was.Version+1, time.Now().UTC().Truncate(time.Second)
		if err = s.Put(ctx, now); !errors.Is(err, ErrStale) {
			return err
		}
	}
	return fmt.Errorf("write calendar %s: %w", c.Name, ErrStale)
}
