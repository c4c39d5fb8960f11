package trigger

import (
	"testing"
	"time"
)

func instant(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestNever(t *testing.T) {
	if next := (Never{}).Next(time.Unix(0, 0)); !next.IsZero() {
		t.Errorf("Never.Next = %v, want the zero time", next)
	}
}

// counting needs facts: it is due so many hours after the epoch as the job
// has had ticks.
type counting struct{ count int }

func (c counting) Next(time.Time) time.Time { return time.Unix(int64(c.count)*3600, 0) }
func (c counting) NeedsFacts() bool         { return c.count == 0 }
func (c counting) Bind(f Facts) Trigger     { return counting{f.Count} }

func TestBind(t *testing.T) {
	for _, c := range []struct {
		name  string
		t     Trigger
		needs bool
		want  Trigger
	}{
		{"needs none", Every(time.Hour), false, Every(time.Hour)},
		{"never", Never{}, false, Never{}},
		{"needs the count", counting{}, true, counting{7}},
		{"bound already", counting{3}, false, counting{3}},
	} {
		if got := NeedsFacts(c.t); got != c.needs {
			t.Errorf("%s: NeedsFacts = %v, want %v", c.name, got, c.needs)
		}
		if got := Bind(c.t, Facts{Count: 7}); got != c.want {
			t.Errorf("%s: Bind = %v, want %v", c.name, got, c.want)
		}
	}
}
