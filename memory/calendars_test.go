package memory_test

import (
	"testing"

	"github.com/beforehand-go/beforehand/calendar"
	"github.com/beforehand-go/beforehand/calendar/calendartest"
	"github.com/beforehand-go/beforehand/memory"
)

func TestCalendars(t *testing.T) {
	calendartest.Run(t, func(*testing.T) calendar.Store { return memory.New().Calendars() })
}
