package pageview

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// BotRate is the verdict on a visitor who is too fast for a person; see Rate.
const BotRate = "rate"

// Rate says how many pageviews in a while are too many for a person. Zero means
// that no number is.
//
// A visitor is no person on a local day and in what one source tells of it when
// more than Pageviews of theirs lie less than Within apart, the first from the
// last, of those that have no other verdict. Then all of these that day have the
// verdict BotRate. It depends on nothing but the pageviews that were kept: not on
// the order in which they came, and not on which source counts. It changes no
// source's claim to a day; see Precedence.
type Rate struct {
	Pageviews int
	Within    time.Duration
}

// String is the rate as text, such as "100 in 1m0s"; empty for none.
func (r Rate) String() string {
	if r == (Rate{}) {
		return ""
	}
	return fmt.Sprintf("%d in %s", r.Pageviews, r.Within)
}

// ParseRate reads text such as "100 in 1m". Empty text is no rate.
func ParseRate(text string) (Rate, error) {
	if text == "" {
		return Rate{}, nil
	}
	count, within, _ := strings.Cut(text, " in ")
	n, err := strconv.Atoi(strings.TrimSpace(count))
	d, derr := time.ParseDuration(strings.TrimSpace(within))
	r := Rate{n, d}
	if err != nil || derr != nil || r.Check() != nil {
		return Rate{}, fmt.Errorf("rate %q: must be like 100 in 1m, with a number from 1 to 1000000 and a time from 1s to 24h", text)
	}
	return r, nil
}

// Check tells what is wrong with a rate.
func (r Rate) Check() error {
	if r != (Rate{}) && (r.Pageviews < 1 || r.Pageviews > 1e6 || r.Within < time.Second || r.Within > 24*time.Hour) {
		return fmt.Errorf("a rate of %s", r)
	}
	return nil
}
