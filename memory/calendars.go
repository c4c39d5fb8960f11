package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/beforehand-go/beforehand/calendar"
)

// calendars keeps calendars.
type calendars struct {
	mu   sync.Mutex
	kept map[string]calendar.Calendar
}

// Calendars returns the store of calendars.
func (s *State) Calendars() calendar.Store { return &s.calendars }

// Calendars implements calendar.Store.
func (s *calendars) Calendars(context.Context) ([]calendar.Calendar, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []calendar.Calendar
	for _, name := range slices.Sorted(maps.Keys(s.kept)) {
		c := s.kept[name]
		c.Days = slices.Clone(c.Days)
		list = append(list, c)
	}
	return list, nil
}

// Versions implements calendar.Store.
func (s *calendars) Versions(context.Context) (map[string]int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	versions := map[string]int64{}
	for name, c := range s.kept {
		versions[name] = c.Version
	}
	return versions, nil
}

// Put implements calendar.Store.
func (s *calendars) Put(_ context.Context, c calendar.Calendar) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.Version != s.kept[c.Name].Version+1 {
		return fmt.Errorf("write calendar %q: %w", c.Name, calendar.ErrStale)
	}
	if s.kept == nil {
		s.kept = map[string]calendar.Calendar{}
	}
	c.Days = slices.Clone(c.Days)
	s.kept[c.Name] = c
	return nil
}

// Remove implements calendar.Store.
func (s *calendars) Remove(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.kept[name]; !ok {
		return fmt.Errorf("remove calendar %q: %w", name, calendar.ErrUnknown)
	}
	delete(s.kept, name)
	return nil
}
