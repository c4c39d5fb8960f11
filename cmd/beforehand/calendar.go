package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"
	"github.com/teambition/rrule-go"

	"github.com/beforehand-go/beforehand/calendar"
	"github.com/beforehand-go/beforehand/config"
	"github.com/beforehand-go/beforehand/trigger"
)

// Events that repeat for ever are followed up to here.
var lastCalendarDay = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)

// calendarFinder finds calendars in iCalendar files by the names they were
// given.
func calendarFinder(files map[string]string) func(name string) (trigger.Calendar, error) {
	return func(name string) (trigger.Calendar, error) {
		path, ok := files[name]
		if !ok {
			return nil, errors.New("no file is named for it; use --calendar NAME=FILE")
		}
		return readCalendar(name, path)
	}
}

// openCalendars keeps in the state what the configuration says of calendars, and
// reads all of them.
func (a *app) openCalendars(ctx context.Context, file *config.File) (err error) {
	store := a.state.Calendars()
	for name, path := range file.CalendarFiles() {
		days, err := readDays(path)
		if err != nil {
			return err
		}
		if err := calendar.Declare(ctx, store, calendar.New(name, path, days...)); err != nil {
			return err
		}
	}
	a.calendars, err = calendar.Open(ctx, store)
	return err
}

// readCalendar reads a calendar for a trigger.
func readCalendar(name, path string) (trigger.Calendar, error) {
	days, err := readDays(path)
	if err != nil {
		return nil, err
	}
	return trigger.NewDays(name, days...), nil
}

// daysText is a number of days in words.
func daysText(n int) string {
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprint(n, " days")
}

// readDays reads the days on which the events of an iCalendar file take
// place: dates, each in the event's own zone.
func readDays(path string) ([]time.Time, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	file, err := ics.ParseCalendar(f)
	if err != nil {
		return nil, fmt.Errorf("read calendar %s: %w", path, err)
	}
	var days []time.Time
	for _, event := range file.Events() {
		of, err := eventDays(event)
		if err != nil {
			return nil, fmt.Errorf("read calendar %s: event %q: %w", path, event.Id(), err)
		}
		days = append(days, of...)
	}
	return days, nil
}

// eventDays lists the days of an event and its repetitions, as dates in UTC.
func eventDays(event *ics.VEvent) (days []time.Time, err error) {
	if p := event.GetProperty(ics.ComponentPropertyStatus); p != nil && p.Value == string(ics.ObjectStatusCancelled) {
		return nil, nil
	}
	begin, err := event.GetStartAt()
	if err != nil {
		return nil, err
	}
	first, last := dateOf(begin), dateOf(begin)
	if end, err := event.GetEndAt(); err == nil && end.After(begin) {
		last = dateOf(end.Add(-1)) // an end at midnight is no part of its day
	} else if err != nil && !errors.Is(err, ics.ErrorPropertyNotFound) {
		return nil, err
	}
	firsts := []time.Time{first}
	if rule := event.GetProperty(ics.ComponentPropertyRrule); rule != nil {
		if firsts, err = repetitions(first, rule.Value); err != nil {
			return nil, err
		}
	}
	left, err := exceptions(event)
	if err != nil {
		return nil, err
	}
	for _, f := range firsts {
		for day := f; !left[f] && !day.After(f.Add(last.Sub(first))); day = day.AddDate(0, 0, 1) {
			days = append(days, day)
		}
	}
	return days, nil
}

func dateOf(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// repetitions lists the first days of an event that repeats by a rule.
func repetitions(first time.Time, text string) ([]time.Time, error) {
	option, err := rrule.StrToROption(text)
	if err != nil {
		return nil, err
	}
	if option.Freq > rrule.DAILY {
		return nil, fmt.Errorf("the rule %s repeats within a day", text)
	}
	option.Dtstart = first
	rule, err := rrule.NewRRule(*option)
	if err != nil {
		return nil, err
	}
	return rule.Between(first, lastCalendarDay, true), nil
}

// exceptions are the first days of repetitions that do not take place.
func exceptions(event *ics.VEvent) (map[time.Time]bool, error) {
	left := map[time.Time]bool{}
	for _, p := range event.GetProperties(ics.ComponentPropertyExdate) {
		for value := range strings.SplitSeq(p.Value, ",") {
			date, _, _ := strings.Cut(value, "T")
			day, err := time.Parse("20060102", date)
			if err != nil {
				return nil, fmt.Errorf("exception %q is no date", value)
			}
			left[day] = true
		}
	}
	return left, nil
}
