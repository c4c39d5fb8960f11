package scheduler

import (
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/trigger"
)

// list is a trigger that Go cannot compare.
type list []trigger.Trigger

func (l list) Next(t time.Time) time.Time { return l[0].Next(t) }

// wrap is one that Go can compare unless what it holds is a list.
type wrap struct{ trigger.Trigger }

func TestEqualTriggersAreSharedIfGoCanCompareThem(t *testing.T) {
	hourly := trigger.Every(time.Hour)
	s, err := New(Config{Store: nowhere{}})
	if err != nil {
		t.Fatal(err)
	}
	for i, tr := range []trigger.Trigger{
		hourly, hourly, list{hourly}, list{hourly}, wrap{hourly}, wrap{hourly}, wrap{list{hourly}}, wrap{list{hourly}}, hourly,
	} {
		d := s.declaration(&Job{Name: "hot", Trigger: tr})
		if text := triggerText(tr); d.def.Trigger != text {
			t.Errorf("%d: declared %q, want %q", i, d.def.Trigger, text)
		}
	}
	a, b := s.declaration(&Job{Trigger: hourly}), s.declaration(&Job{Trigger: trigger.Every(time.Hour)})
	if c := s.declaration(&Job{Trigger: hourly, Timeout: time.Second}); a.def != b.def || c.def == a.def {
		t.Error("equal definitions are not shared, or different ones are")
	}
}

// nowhere is a store that is not asked.
type nowhere struct{ Store }

func (nowhere) Changed() <-chan struct{} { return nil }
