package notice

import "testing"

func TestStandsOut(t *testing.T) {
	for _, c := range []struct {
		name   string
		now    int64
		before []int64
		want   int
	}{
		{"as usual", 100, []int64{90, 100, 110, 100}, 0},
		{"nobody knows yet", 1000, []int64{90}, 0},
		{"a spike", 300, []int64{90, 100, 110, 100}, 1},
		{"twice as much, in waves that are usual", 400, []int64{50, 350, 100, 300}, 0},
		{"much of little", 60, []int64{2, 3, 1, 2}, 1},
		{"more of little than anybody cares for", 40, []int64{2, 3, 1, 2}, 0},
		{"out of nothing", 51, []int64{0, 0}, 1},
		{"a drop", 5, []int64{90, 100, 110, 100}, -1},
		{"half, surely", 400, []int64{1000, 1010, 990, 1000}, -1},
		{"half of few", 10, []int64{20, 22, 18, 20}, 0},
		{"nothing of few", 0, []int64{20, 22, 18, 20}, 0},
		{"nothing at all", 0, []int64{0, 0, 0, 0}, 0},
		{"a holiday before does not make a spike", 100, []int64{0, 100, 100, 100}, 0},
	} {
		if got, e := standsOut(c.now, c.before); got != c.want {
			t.Errorf("%s: %d, want %d (%.1f expected)", c.name, got, c.want, e)
		}
	}
}
