package trigger

import (
	"errors"
	"time"
)

// loadZone finds a zone by name. The empty name, which the standard library
// takes for UTC, is refused.
func loadZone(name string) (*time.Location, error) {
	if name == "" {
		return nil, errors.New("the time zone is missing")
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, errors.New("unknown time zone " + name)
	}
	return zone, nil
}

// Searches begin within some millions of years around 1970, so that no sum of
// seconds overflows.
const farthest = 1 << 50

// after is nextIn for times.
func (p *pattern) after(zone *time.Location, saving Saving, after time.Time) time.Time {
	second := after.Unix()
	if second > farthest || second < -farthest {
		return time.Time{}
	}
	due, ok := p.nextIn(zone, saving, second)
	if !ok {
		return time.Time{}
	}
	if zone == nil {
		zone = time.UTC
	}
	return time.Unix(due, 0).In(zone)
}
