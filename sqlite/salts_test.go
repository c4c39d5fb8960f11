package sqlite_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/collect/salttest"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/sqlite"
)

func TestSalts(t *testing.T) {
	salttest.Run(t, func(t *testing.T) func() collect.KeptSalts {
		path := filepath.Join(t.TempDir(), "state.db")
		return func() collect.KeptSalts {
			s, err := sqlite.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			return s.Salts()
		}
	})
}

// cutOff gives no answer while it is down.
type cutOff struct {
	collect.Salts
	down  bool
	asked int
}

func (c *cutOff) Salt(ctx context.Context, site string, day pageview.Day, fresh []byte) ([]byte, error) {
	c.asked++
	if c.down {
		return nil, errors.New("the store is away")
	}
	return c.Salts.Salt(ctx, site, day, fresh)
}

// visitors are those of one site on days counted from the first, in a bubble.
type visitors struct {
	*collect.Visitors
	salts collect.KeptSalts
	store *cutOff
	first pageview.Day
}

func newVisitors(t *testing.T) *visitors {
	s, err := sqlite.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	v := &visitors{salts: s.Salts(), store: &cutOff{Salts: s.Salts()}, first: pageview.DayOf(time.Now())}
	if v.Visitors, err = collect.NewVisitors(v.store, collect.Key{7}); err != nil {
		t.Fatal(err)
	}
	return v
}

// seen is the number of one visitor on a day; zero means that there is none.
func (v *visitors) seen(t *testing.T, day int) uint64 {
	id, err := v.ID(t.Context(), "blog", v.first+pageview.Day(day), "203.0.113.1", "agent")
	if err == nil && id == 0 {
		t.Error("no number and no error")
	}
	return id
}

func TestCutOffFromSaltsPassesTwoMidnights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVisitors(t)
		time.Sleep(12 * time.Hour)
		first := v.seen(t, 0)
		v.store.down = true
		known := map[int]uint64{0: first}
		for hour := 12; hour < 4*24; hour++ {
			day := hour / 24
			id := v.seen(t, day)
			switch {
			case day > 2 && id != 0:
				t.Errorf("hour %d: a number without a salt", hour)
			case day <= 2 && id == 0:
				t.Errorf("hour %d: no number", hour)
			case known[day] != 0 && known[day] != id:
				t.Errorf("hour %d: another number within the day", hour)
			}
			known[day] = id
			time.Sleep(time.Hour)
		}
		if known[0] == known[1] || known[1] == known[2] {
			t.Errorf("the same number on two days: %v", known)
		}
		v.store.down = false
		for day := range 3 {
			if id := v.seen(t, day); id != known[day] {
				t.Errorf("day %d: %d when the store is back, %d before", day, id, known[day])
			}
		}
		if v.seen(t, 3) == 0 {
			t.Error("no number when the store is back")
		}
	})
}

func TestStoreOfSaltsThatIsAwayIsSeldomAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVisitors(t)
		v.seen(t, 0)
		time.Sleep(2 * time.Hour)
		v.store.down, v.store.asked = true, 0
		for range 600 {
			v.seen(t, 0)
			time.Sleep(100 * time.Millisecond)
		}
		if v.store.asked > 7 {
			t.Errorf("asked %d times in a minute", v.store.asked)
		}
		v.store.down, v.store.asked = false, 0
		time.Sleep(time.Minute)
		for range 600 {
			v.seen(t, 0)
			time.Sleep(100 * time.Millisecond)
		}
		if v.store.asked != 1 {
			t.Errorf("asked %d times in a minute when it is back", v.store.asked)
		}
	})
}

// TestSaltGoesTwoDaysAfterItsLastUse uses a day's salt for the last time in the
// afternoon of the next day.
func TestSaltGoesTwoDaysAfterItsLastUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVisitors(t)
		first := v.seen(t, 0)
		other, err := collect.NewVisitors(v.store, collect.Key{7})
		if err != nil {
			t.Fatal(err)
		}
		for hour := range 5 * 24 {
			if hour <= 40 {
				if id := v.seen(t, 0); id != first {
					t.Fatalf("hour %d: another number", hour)
				}
			}
			v.seen(t, hour/24)
			if err := v.salts.Delete(t.Context(), time.Now()); err != nil {
				t.Fatal(err)
			}
			days, err := v.salts.Renewed(t.Context(), "blog")
			if err != nil || len(days) > 0 {
				t.Fatalf("hour %d: renewed %v, error %v", hour, days, err)
			}
			time.Sleep(time.Hour)
		}
		if id := v.seen(t, 4); id == 0 {
			t.Error("no number on the day")
		}
		late := v.seen(t, 0)
		if late == first {
			t.Error("the number of a visitor came back after its salt was due to go")
		}
		if id, err := other.ID(t.Context(), "blog", v.first, "203.0.113.1", "agent"); err != nil || id != late {
			t.Errorf("another process: %d, error %v; want %d", id, err, late)
		}
		days, err := v.salts.Renewed(t.Context(), "blog")
		if err != nil || !slices.Equal(days, []pageview.Day{v.first}) {
			t.Errorf("renewed %v, error %v", days, err)
		}
	})
}
