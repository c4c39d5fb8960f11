package trigger

import (
	"testing"
	"time"
)

// TestWallIsCron holds clock times to the cron expressions that say the same.
func TestWallIsCron(t *testing.T) {
	london := zone(t, "Europe/London")
	for _, c := range []struct {
		wall  Wall
		exprs []string
	}{
		{Daily(), []string{"0 0 * * *"}},
		{Daily(Clock{Hour: 1, Minute: 30}, Clock{Hour: 15}), []string{"30 1 * * *", "0 15 * * *"}},
		{Daily(Clock{3, 4, 5}), []string{"5 4 3 * * *"}},
		{Weekly([]time.Weekday{time.Sunday, time.Friday}, Clock{Hour: 1}), []string{"0 1 * * 0,5"}},
		{Monthly([]int{1, 31, -1, -30}, Clock{Hour: 2}), []string{"0 2 1,31,L,L-29 * *"}},
	} {
		var all []Trigger
		for _, expr := range c.exprs {
			all = append(all, MustCron(expr).In(london))
		}
		union, wall := Union(all...), c.wall.In(london)
		at := time.Date(2023, 12, 1, 0, 0, 0, 0, time.UTC)
		for range 800 {
			next := union.Next(at)
			if got := wall.Next(at); !got.Equal(next) || got.Location() != london {
				t.Fatalf("%v after %v gives %v, want %v", wall, at, got, next)
			}
			at = next
		}
	}
}

func TestWallRefuses(t *testing.T) {
	for name, build := range map[string]func(){
		"hour 24":           func() { Daily(Clock{Hour: 24}) },
		"minute -1":         func() { Daily(Clock{Minute: -1}) },
		"second 60":         func() { Daily(Clock{Second: 60}) },
		"no day":            func() { Weekly(nil) },
		"weekday 7":         func() { Weekly([]time.Weekday{7}) },
		"no day of a month": func() { Monthly(nil) },
		"day 0":             func() { Monthly([]int{0}) },
		"day 32":            func() { Monthly([]int{32}) },
		"day -32":           func() { Monthly([]int{-32}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s does not panic", name)
				}
			}()
			build()
		}()
	}
}

func TestWallZero(t *testing.T) {
	if next := (Wall{}).Next(time.Unix(0, 0)); !next.IsZero() || (Wall{}).String() != "never" {
		t.Errorf("the zero Wall gives %v and prints %q", next, Wall{})
	}
}
