package yamlfile_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/internal/yamlfile"
)

type duration time.Duration

func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = duration(v)
	return err
}

type place struct {
	Name string `yaml:"name,required" help:"what it is called"`
	Size int    `yaml:"size" help:"how large it is"`
}

type shape struct {
	Title  string           `yaml:"title" help:"its title"`
	Wait   duration         `yaml:"wait" help:"how long"`
	On     bool             `yaml:"on" help:"whether"`
	Share  float64          `yaml:"share" help:"how much"`
	Hosts  []string         `yaml:"hosts" help:"names"`
	Groups [][]string       `yaml:"groups" help:"names in groups"`
	Places []place          `yaml:"places" help:"some places"`
	By     map[string]place `yaml:"by" help:"places by name"`
	Deep   *place           `yaml:"deep" help:"one place"`
	Hidden string
}

func (s *shape) Check() error {
	if s.Title == "bad" {
		return yamlfile.At("title", errors.New("a bad title"))
	}
	return nil
}

func TestDecode(t *testing.T) {
	var s shape
	err := yamlfile.Decode("x.yaml", []byte(`
title: hello
wait: 90s
on: true
share: 0.5
hosts: one.example
groups: [[a, b], c]
places:
  - name: here
    size: 1_000
  - {name: there}
by:
  x: {name: y}
deep: &deep
  name: well
`), &s)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%s %v %v %v %v %v %v %v %v", s.Title, time.Duration(s.Wait), s.On, s.Share, s.Hosts, s.Groups, s.Places, s.By, *s.Deep)
	const want = "hello 1m30s true 0.5 [one.example] [[a b] [c]] [{here 1000} {there 0}] map[x:{y 0}] {well 0}"
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if err := yamlfile.Decode("x.yaml", []byte("# nothing\n"), &s); err != nil {
		t.Errorf("an empty file: %v", err)
	}
}

func TestAMistakeIsToldWithItsPlaceAndWhatIsAllowed(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"title: a\ntilte: b\n", "x.yaml:2:1: unknown key \"tilte\"; allowed are title, wait, on,"},
		{"places:\n  - name: a\n    sise: 1\n", "x.yaml:3:5: unknown key \"sise\"; allowed are name, size\n  3 |     sise: 1\n          ^"},
		{"places:\n  - size: 1\n", "x.yaml:2:5: the key \"name\" is missing"},
		{"wait: soon\n", "x.yaml:1:7: time: invalid duration"},
		{"wait: [1s]\n", "x.yaml:1:7: a single value is wanted here, not a list"},
		{"on: perhaps\n", "x.yaml:1:5: \"perhaps\": true or false is wanted"},
		{"places: [{name: a, size: many}]\n", "x.yaml:1:26: \"many\": a whole number is wanted"},
		{"share: much\n", "x.yaml:1:8: \"much\": a number is wanted"},
		{"title: {a: b}\n", "x.yaml:1:8: a single value is wanted here, not keys and values"},
		{"places: here\n", "x.yaml:1:9: keys and values are wanted here, not a single value; allowed are name, size"},
		{"by: [a]\n", "x.yaml:1:5: keys and values are wanted here, not a list"},
		{"title: a\ntitle: b\n", "title"},
		{"title: bad\n", "x.yaml:1:1: a bad title"},
		{"title: @x\n", "x.yaml:1:8: not YAML: "},
		{"Hidden: x\n", "unknown key \"Hidden\""},
	} {
		var s shape
		err := yamlfile.Decode("x.yaml", []byte(c.text), &s)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q:\n got %v\nwant %s", c.text, err, c.want)
		}
	}
	var s shape
	if err := yamlfile.Decode("x.yaml", []byte(strings.Repeat("# x\n", 1<<19)), &s); err == nil {
		t.Error("a file of 2 MB was read")
	}
}

func TestReference(t *testing.T) {
	text, err := yamlfile.Reference(shape{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| `wait` | text | how long |", "| `groups` | list of list of text |", "| `places[].name` | text, required | what it is called |",
		"| `by.NAME.size` | number |", "| `deep.name` |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
	if _, err := yamlfile.Reference(struct {
		A string `yaml:"a"`
	}{}); err == nil {
		t.Error("a key without help was taken")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("title: a\nplaces: [{name: b}]")
	f.Add("a: &a [*a]")
	f.Add("deep: &x {name: *x}")
	f.Fuzz(func(_ *testing.T, text string) {
		var s shape
		yamlfile.Decode("x.yaml", []byte(text), &s)
	})
}
