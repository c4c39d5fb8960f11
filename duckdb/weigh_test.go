package duckdb

import (
	"fmt"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// TestWeightsAreThoseOfSQL compares weights of pageviews at odd times by some half-lives.
func TestWeightsAreThoseOfSQL(t *testing.T) {
	s := openBlog(t, t.TempDir()+"/pageviews.duckdb")
	const rows = `FROM (SELECT DATE '2026-01-01' AS "day", TIMESTAMP '2025-12-31 22:00:00' + to_microseconds(CAST(hash(range) % 100_000_000_000 AS BIGINT)) AS "at" FROM range(100_000))`
	for _, hours := range []rolled{24, 25, 7 * 24, 1000, 1_000_000} {
		score := rolledScore + hours
		var at, want int64
		n, others := 0, 0
		day := pageview.DayOf(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		err := eachNumbers(t.Context(), readers(t, s), fmt.Sprintf(`SELECT epoch_us("at"), %s %s`, score.weight(), rows), []*int64{&at, &want}, func() {
			n++
			if score.weigh(at, day) != want {
				others++
			}
		})
		if err != nil || n != 100_000 || others > 0 {
			t.Errorf("half-life of %d h: %d of %d weigh otherwise, error %v", hours, others, n, err)
		}
	}
}
