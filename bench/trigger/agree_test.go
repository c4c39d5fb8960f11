package trigger_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/trigger"
)

// TestAgreesWithRobfig compares answers in UTC to random expressions that both
// understand and neither is known to get wrong: no steps over a star in days,
// no ranges past the end.
func TestAgreesWithRobfig(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 18))
	field := func(low, high int, steps bool) string {
		from := low + r.IntN(high-low+1)
		to := from + r.IntN(high-from+1)
		switch r.IntN(7) {
		case 0, 1, 2:
			return "*"
		case 3:
			return fmt.Sprintf("%d-%d", from, to)
		case 4:
			return fmt.Sprintf("%d-%d/%d", from, to, 1+r.IntN(high-low))
		case 5:
			if steps {
				return fmt.Sprintf("*/%d", 1+r.IntN(high-low))
			}
		}
		return fmt.Sprintf("%d,%d,%d", from, to, low+r.IntN(high-low+1))
	}
	for range 20_000 {
		expr := strings.Join([]string{field(0, 59, true), field(0, 23, true), field(1, 31, false), field(1, 12, true), field(0, 6, false)}, " ")
		theirs, err := robfigParser.Parse("TZ=UTC " + expr)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := trigger.ParseCron(expr)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(r.Int64N(4e9), 0).UTC()
		for range 20 {
			got, want := ours.Next(at), theirs.Next(at)
			// They give up after five years.
			if !got.Equal(want) && !(want.IsZero() && got.After(at.AddDate(4, 11, 0))) {
				t.Fatalf("%q after %v gives %v, theirs %v", expr, at, got, want)
			}
			if want.IsZero() {
				break
			}
			at = want
		}
	}
}
