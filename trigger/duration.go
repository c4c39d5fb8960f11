package trigger

import (
	"errors"
	"strings"
	"time"
)

const durations = "a duration above zero such as 90s, 10m or 1h30m"

// parseDuration reads a duration above zero.
func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	switch {
	case s == "":
		return 0, errors.New("the duration is missing")
	case err != nil && strings.ContainsAny(s, "dw"):
		return 0, errors.New("a day is not always 24 hours: write 24h, or daily")
	case err != nil:
		return 0, errors.New("\"" + s + "\" is no duration")
	case d <= 0:
		return 0, errors.New("the duration " + s + " is not above zero")
	}
	return d, nil
}
