package sqlite_test

import (
	"testing"

	"github.com/beforehand-go/beforehand/calendar"
	"github.com/beforehand-go/beforehand/calendar/calendartest"
)

func TestCalendars(t *testing.T) {
	calendartest.Run(t, func(t *testing.T) calendar.Store { return open(t).Calendars() })
}
