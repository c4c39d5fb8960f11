package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/beforehand-go/beforehand/calendar"
)

const calendarUsage = `calendar [flags] list | show NAME | set NAME FILE | remove NAME

Lists, shows, sets and removes the calendars that triggers name, as in
"daily 03:00 except holidays". They are kept with the state, so that all replicas
have the same; a running server takes note within seconds, and works out anew
when its jobs are due. FILE is in the iCalendar format, as holidays are
published; the days of its events are taken. What is set here stays until the
file that the configuration names for the calendar has other days than before.`

func runCalendar(ctx context.Context, s stdio, args []string) error {
	var v placeFlags
	f := keepFlags(calendarUsage, &v)
	if err := f.parse(s, args, 3); err != nil {
		return err
	}
	verb, name, file := f.Arg(0), f.Arg(1), f.Arg(2)
	wants, known := map[string]int{"list": 1, "show": 2, "set": 3, "remove": 2}[verb]
	switch {
	case !known:
		return usageError{errors.New("say what to do: list, show NAME, set NAME FILE, or remove NAME")}
	case f.NArg() < wants:
		return usageError{fmt.Errorf("%s: say of which calendar%s", verb, map[bool]string{true: ", and from which file"}[verb == "set"])}
	case f.NArg() > wants:
		return usageError{fmt.Errorf("unexpected argument %q", f.Arg(wants))}
	}
	var days []time.Time
	if verb == "set" {
		var err error
		if days, err = readDays(file); err != nil {
			return err
		}
		if len(days) == 0 {
			return fmt.Errorf("%s has no events: nothing is changed", file)
		}
	}
	return withState(ctx, v, verb == "set", func(state stateStore) error {
		store := state.Calendars()
		switch verb {
		case "list":
			return listCalendars(ctx, s.out, store)
		case "show":
			return showCalendar(ctx, s.out, store, name)
		case "remove":
			return removeCalendar(ctx, state, name)
		}
		c := calendar.New(name, filepath.Base(file), days...)
		if err := calendar.Set(ctx, store, c); err != nil {
			return err
		}
		_, err := fmt.Fprintf(s.out, "calendar %s has %s\n", name, daysText(len(c.Days)))
		return err
	})
}

func listCalendars(ctx context.Context, w io.Writer, store calendar.Store) error {
	list, err := store.Calendars(ctx)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "NAME\tDAYS\tFIRST\tLAST\tFROM\tCHANGED")
	for _, c := range list {
		first, last := "-", "-"
		if n := len(c.Days); n > 0 {
			first, last = c.Days[0].Format(time.DateOnly), c.Days[n-1].Format(time.DateOnly)
		}
		fmt.Fprintf(out, "%s\t%d\t%s\t%s\t%s\t%s\n", c.Name, len(c.Days), first, last, c.Source, c.Changed.Format(time.DateTime))
	}
	return out.Flush()
}

func showCalendar(ctx context.Context, w io.Writer, store calendar.Store, name string) error {
	list, err := store.Calendars(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(c calendar.Calendar) bool { return c.Name == name })
	if i < 0 {
		return fmt.Errorf("%s: %w; beforehand calendar list tells which there are", name, calendar.ErrUnknown)
	}
	_, err = io.WriteString(w, list[i].Text())
	return err
}

// removeCalendar removes a calendar that no job's trigger names.
func removeCalendar(ctx context.Context, state stateStore, name string) error {
	used, err := calendar.UsedBy(ctx, state.Jobs(), name)
	if err != nil {
		return err
	}
	if len(used) > 0 {
		return fmt.Errorf("the triggers of these jobs name calendar %s, so that it stays: %s", name, strings.Join(used, ", "))
	}
	return state.Calendars().Remove(ctx, name)
}
