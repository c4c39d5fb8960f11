package trigger

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// samplePath is a file of cases on which independent schedulers agree. It is
// no part of this project.
const samplePath = "../../shared/data/cron-sample.jsonl"

type sampleCase struct {
	Expr, TZ, From, Cat             string
	Next                            []string
	AndNext                         []string `json:"and_next"`
	Disputed, Vixie, Invalid, Never bool
}

func TestSample(t *testing.T) {
	f, err := os.Open(filepath.FromSlash(samplePath))
	if err != nil {
		t.Skip("the sample of other schedulers' answers is not here; put it at " + samplePath + " to compare with it")
	}
	defer f.Close()
	passed := map[string]int{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var c sampleCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		if c.check(t) {
			passed[c.Cat]++
		}
	}
	t.Log("passed by category:", passed)
}

// check compares one case and tells whether it was there to be compared.
func (c *sampleCase) check(t *testing.T) bool {
	got, err := ParseCron(c.Expr)
	if c.Invalid {
		if err == nil {
			t.Errorf("%q is accepted", c.Expr)
		}
		return true
	}
	if err != nil {
		t.Error(err)
		return false
	}
	want := c.Next
	if c.AndNext != nil && !got.pattern.either {
		want = c.AndNext
	} else if c.Disputed && !c.Vixie {
		return false
	}
	zone, err := time.LoadLocation(c.TZ)
	if err != nil {
		t.Fatal(err)
	}
	var next []string
	at := instant(t, c.From)
	for range max(1, len(want)) {
		if at = got.In(zone).Next(at); at.IsZero() {
			break
		}
		next = append(next, at.Format(time.RFC3339Nano))
	}
	if !slices.Equal(next, want) {
		t.Errorf("%s: %q in %s after %s\n got %v\nwant %v", c.Cat, c.Expr, c.TZ, c.From, next, want)
	}
	return true
}
