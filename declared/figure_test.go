package declared

import "testing"

func TestGrownHasASignOnlyWhereThereIsGrowth(t *testing.T) {
	for _, tt := range []struct {
		now, was int64
		want     string
	}{{5, 4, " (+25 %)"}, {3, 4, " (−25 %)"}, {1001, 1000, " (+0.1 %)"}, {4, 4, " (±0 %)"}, {5, 0, ""}} {
		if got := grown(tt.now, tt.was); got != tt.want {
			t.Errorf("grown(%d, %d) = %q, want %q", tt.now, tt.was, got, tt.want)
		}
	}
}
