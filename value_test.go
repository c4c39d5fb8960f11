package beforehand

import (
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestSurvives(t *testing.T) {
	type article struct {
		Path string         `json:"path"`
		At   time.Time      `json:"at"`
		Tags []string       `json:"tags,omitempty"`
		N    map[string]int `json:"n"`
		Next *article       `json:"next,omitempty"`
	}
	ok := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	ok(t, survives([]article{{Path: "/", At: time.Now(), Tags: []string{}, N: map[string]int{"a": 1 << 62}, Next: &article{}}}))
	ok(t, survives([]article(nil)))
	ok(t, survives(map[string]any{"a": []any{1.5, "x", nil, true}}))
	ok(t, survives(netip.MustParseAddr("::1")))
	ok(t, survives(*big.NewInt(12)))
	ok(t, survives(Files{"svg": []byte("<svg/>")}))
	ok(t, survives([]byte{0, 255}))

	fails := func(t *testing.T, err error, where string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), where) {
			t.Errorf("got %v, want an error about %s", err, where)
		}
	}
	fails(t, survives([]struct{ total int }{{3}}), "value[0].total")
	fails(t, survives(map[string]any{"n": 3}), "value[n]")
	fails(t, survives(struct {
		A int `json:"-"`
	}{3}), "value.A")
	fails(t, survives(struct{ F func() }{func() {}}), "func")
	fails(t, survives(struct{ E error }{&time.ParseError{}}), "read back")
}

func TestDefinitionFollowsWordAndShape(t *testing.T) {
	type list struct {
		A    int `json:"a"`
		Next *list
	}
	type renamed struct {
		A int `json:"b"`
	}
	seen := map[string]bool{}
	for _, d := range []string{
		definition("", reflect.TypeFor[list]()),
		definition("v2", reflect.TypeFor[list]()),
		definition("", reflect.TypeFor[renamed]()),
		definition("", reflect.TypeFor[[]renamed]()),
		definition("", reflect.TypeFor[map[string]renamed]()),
	} {
		if seen[d] {
			t.Errorf("%s appears twice", d)
		}
		seen[d] = true
	}
	again := definition("", reflect.TypeFor[list]())
	if !seen[again] {
		t.Error("the same differs")
	}
}
