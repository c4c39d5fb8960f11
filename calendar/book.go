package calendar

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

// A Book is the calendars of a store as a process knows them. Triggers that it
// has given calendars to follow when those change.
type Book struct {
	store Store
	known atomic.Pointer[map[string]page]
}

// page is a calendar in a book.
type page struct {
	version int64
	days    trigger.Days
}

// Open reads the calendars of a store.
func Open(ctx context.Context, s Store) (*Book, error) {
	b := &Book{store: s}
	b.known.Store(&map[string]page{})
	if _, err := b.Look(ctx); err != nil {
		return nil, fmt.Errorf("read calendars: %w", err)
	}
	return b, nil
}

// Look reads what has changed, and names the calendars that did.
func (b *Book) Look(ctx context.Context) (changed []string, err error) {
	versions, err := b.store.Versions(ctx)
	if err != nil {
		return nil, err
	}
	known := *b.known.Load()
	if maps.EqualFunc(known, versions, func(p page, v int64) bool { return p.version == v }) {
		return nil, nil
	}
	list, err := b.store.Calendars(ctx)
	if err != nil {
		return nil, err
	}
	next := make(map[string]page, len(list))
	for _, c := range list {
		next[c.Name] = page{c.Version, trigger.NewDays(c.Name, c.Days...)}
		if known[c.Name].version != c.Version {
			changed = append(changed, c.Name)
		}
	}
	for name := range known {
		if _, there := next[name]; !there {
			changed = append(changed, name)
		}
	}
	b.known.Store(&next)
	return changed, nil
}

// Find returns the calendar of a name, for [trigger.Parser]. It covers what the
// calendar has whenever it is asked, and nothing once that is removed.
func (b *Book) Find(name string) (trigger.Calendar, error) {
	known := *b.known.Load()
	if _, ok := known[name]; ok {
		return live{b, name}, nil
	}
	there := "there are none yet"
	if len(known) > 0 {
		there = "there are " + strings.Join(slices.Sorted(maps.Keys(known)), ", ")
	}
	return nil, fmt.Errorf("%s; beforehand calendar set %s FILE adds one", there, name)
}

// live is a calendar as it is now.
type live struct {
	book *Book
	name string
}

// Name returns the calendar's name.
func (l live) Name() string { return l.name }

// Covers asks the calendar.
func (l live) Covers(t time.Time) (in bool, until time.Time) {
	return (*l.book.known.Load())[l.name].days.Covers(t)
}

// lookEvery is how often a book is brought up to date.
const lookEvery = 2 * time.Second

// Follow keeps the book up to date until ctx ends. When a calendar has changed,
// the next ticks are worked out anew of the jobs that this process knows with a
// trigger that names it.
func (b *Book) Follow(ctx context.Context, s *scheduler.Scheduler, log *slog.Logger) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var todo []string
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		changed, err := b.Look(ctx)
		if todo = append(todo, changed...); err == nil && len(todo) > 0 {
			log.Info("calendars changed", "calendars", todo)
			err = reckon(ctx, s, todo)
		}
		if err == nil {
			todo = nil
		} else if ctx.Err() == nil {
			log.Error("follow calendars", "error", err)
		}
	}
}

// reckon has the next ticks worked out of jobs whose triggers name calendars.
func reckon(ctx context.Context, s *scheduler.Scheduler, names []string) error {
	all, err := s.List(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, st := range all {
		job, here := s.Job(st.Name)
		if !here || job.Trigger == nil || !slices.ContainsFunc(trigger.Calendars(job.Trigger), func(n string) bool { return slices.Contains(names, n) }) {
			continue
		}
		if err := s.Reckon(ctx, st.Name); err != nil && !errors.Is(err, scheduler.ErrUnknown) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// UsedBy names the jobs whose triggers name a calendar, by their texts.
func UsedBy(ctx context.Context, jobs scheduler.Store, name string) ([]string, error) {
	list, err := jobs.Jobs(ctx)
	if err != nil {
		return nil, err
	}
	p := trigger.Parser{Calendar: func(n string) (trigger.Calendar, error) { return trigger.NewDays(n), nil }}
	var used []string
	for _, st := range list {
		for _, d := range []*scheduler.Definition{st.Definition, st.Declared} {
			t, err := p.Parse(d.Trigger)
			if err == nil && slices.Contains(trigger.Calendars(t), name) && !slices.Contains(used, st.Name) {
				used = append(used, st.Name)
			}
		}
	}
	return used, nil
}
