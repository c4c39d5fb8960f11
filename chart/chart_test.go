package chart_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/beforehand-go/beforehand/chart"
)

// TestPicturesAreSound holds every picture, alone and inline, to what all
// promise.
func TestPicturesAreSound(t *testing.T) {
	for name, p := range pictures() {
		t.Run(name, func(t *testing.T) {
			sound(t, p.SVG)
			sound(t, p.Inline)
		})
	}
}

// TestRandomBarsAreSound draws bars of random shapes and sizes.
func TestRandomBarsAreSound(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 12 {
		b := chart.Bars{Title: "t", Width: r.IntN(1200), Plot: r.IntN(500), Heading: r.IntN(2) == 0}
		b.Labels = months(r.IntN(401) >> r.IntN(5))
		for range r.IntN(31) {
			s := chart.Series{Name: strings.Repeat("/路径path", r.IntN(40)), Other: r.IntN(9) == 0}
			for range b.Labels {
				s.Values = append(s.Values, r.Int64N(math.MaxInt64/(401*31))>>r.IntN(50))
			}
			b.Series = append(b.Series, s)
		}
		sound(t, b.SVG)
		sound(t, chart.Lines(b).SVG)
		if len(b.Series) > 0 {
			sound(t, chart.Spark{Labels: b.Labels, Values: b.Series[0].Values, Width: b.Width, Height: b.Plot}.SVG)
		}
	}
}

var numbers = regexp.MustCompile(`-?[0-9.]+|[A-Za-z]`)

// sound checks that a picture is well-formed XML whose root is an image with a
// title, that it has no style attribute and nothing outside its view box.
func sound(t *testing.T, draw func(io.Writer) error) {
	t.Helper()
	var b bytes.Buffer
	if err := draw(&b); err != nil {
		t.Fatal(err)
	}
	var x0, y0, x1, y1 float64
	inside := func(what string, x, y float64) {
		const slack = .02
		if !(x >= x0-slack && x <= x1+slack && y >= y0-slack && y <= y1+slack) {
			t.Errorf("%s: %v,%v lies outside %v,%v to %v,%v", what, x, y, x0, y0, x1, y1)
		}
	}
	d := xml.NewDecoder(&b)
	for first := true; ; first = false {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		a := map[string]string{}
		for _, attr := range e.Attr {
			a[attr.Name.Local] = attr.Value
		}
		at := func(name string) float64 {
			if a[name] == "" {
				return 0
			}
			v, err := strconv.ParseFloat(a[name], 64)
			if err != nil {
				t.Error(err)
			}
			return v
		}
		if a["style"] != "" {
			t.Errorf("<%s> has a style attribute", e.Name.Local)
		}
		switch e.Name.Local {
		case "svg":
			if !first || a["role"] != "img" {
				t.Errorf("the root is %v", e)
			}
			box := numbers.FindAllString(a["viewBox"], -1)
			x0, y0 = float(t, box[0]), float(t, box[1])
			x1, y1 = x0+float(t, box[2]), y0+float(t, box[3])
			if x1-x0 != at("width") || y1-y0 != at("height") {
				t.Errorf("view box %v of a picture of %v by %v", box, at("width"), at("height"))
			}
		case "rect":
			if at("width") < 0 || at("height") < 0 {
				t.Errorf("a rect has a negative size: %v", e)
			}
			inside("rect", at("x"), at("y"))
			inside("rect", at("x")+at("width"), at("y")+at("height"))
		case "text":
			inside("text", at("x"), at("y")-12)
			inside("text", at("x"), at("y")+2)
		case "path":
			walk(t, a["d"], func(x, y float64) { inside("path", x, y) })
		}
	}
}

// walk calls visit for each point of a path of M, L, H, h, v and z.
func walk(t *testing.T, d string, visit func(x, y float64)) {
	t.Helper()
	var x, y, sx, sy float64
	tokens := numbers.FindAllString(d, -1)
	for i := 0; i < len(tokens); i++ {
		next := func() float64 { i++; return float(t, tokens[i]) }
		switch tokens[i] {
		case "M":
			x, y = next(), next()
			sx, sy = x, y
		case "L":
			x, y = next(), next()
		case "H":
			x = next()
		case "h":
			x += next()
		case "v":
			y += next()
		case "z":
			x, y = sx, sy
		default:
			t.Fatalf("path %.80q: unexpected %q", d, tokens[i])
		}
		visit(x, y)
	}
}

func float(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestBarsAreAsHighAsTheirValues(t *testing.T) {
	b := chart.Bars{
		Labels: []string{"a", "b"}, Plot: 200,
		Series: []chart.Series{{Name: "s", Values: []int64{50, 100}}},
	}
	var out bytes.Buffer
	if err := b.SVG(&out); err != nil {
		t.Fatal(err)
	}
	path := regexp.MustCompile(`class="s1" d="([^"]*)"`).FindSubmatch(out.Bytes())
	if path == nil {
		t.Fatalf("no bars in %s", out.Bytes())
	}
	heights := regexp.MustCompile(`v([0-9.]+)`).FindAllSubmatch(path[1], -1)
	if len(heights) != 2 || string(heights[0][1]) != "99" || string(heights[1][1]) != "199" {
		t.Errorf("heights %q, want 99 and 199: half and all of the plot, less the unit between series", heights)
	}
}

func TestSmallestOfManySeriesAreDrawnTogether(t *testing.T) {
	b := chart.Bars{Labels: []string{"all"}}
	for i := range 12 {
		b.Series = append(b.Series, chart.Series{Name: "page-" + strconv.Itoa(i), Values: []int64{int64(1 + i)}})
	}
	b.Series = append(b.Series, chart.Series{Name: "unknown", Values: []int64{7}, Other: true})
	var out bytes.Buffer
	if err := b.SVG(&out); err != nil {
		t.Fatal(err)
	}
	svg := out.String()
	if !strings.Contains(svg, "other: 10<") || strings.Contains(svg, "page-0<") || strings.Contains(svg, "page-1<") {
		t.Errorf("page-0, page-1 and unknown (1 + 2 + 7) are not drawn as one: %s", svg)
	}
	if !strings.Contains(svg, "all: 85&#xA;") {
		t.Errorf("the bar does not say its total of 85")
	}
}

func TestWrongDataIsRefused(t *testing.T) {
	one := []string{"a"}
	for name, p := range map[string]chart.Picture{
		"series \"s\" has 2 values for 1 labels": chart.Bars{Labels: one, Series: []chart.Series{{Name: "s", Values: []int64{1, 2}}}},
		"series \"s\" has -1 at \"a\"":           chart.Bars{Labels: one, Series: []chart.Series{{Name: "s", Values: []int64{-1}}}},
		"the total does not fit an int64": chart.Bars{Labels: one, Series: []chart.Series{
			{Name: "s", Values: []int64{math.MaxInt64}}, {Name: "t", Values: []int64{1}},
		}},
		"\"n\" has the value NaN":  chart.Ranking{Rows: []chart.Row{{Name: "n", Value: math.NaN()}}},
		"\"n\" has the value +Inf": chart.Ranking{Rows: []chart.Row{{Name: "n", Value: math.Inf(1)}}},
		"\"n\" has the value -1":   chart.Ranking{Rows: []chart.Row{{Name: "n", Value: -1}}},
	} {
		var out bytes.Buffer
		err := p.SVG(&out)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want one with %q", err, name)
		}
		if out.Len() > 0 {
			t.Errorf("%s: wrote %d bytes before the error", name, out.Len())
		}
	}
}

func FuzzAnyStringIsWellFormed(f *testing.F) {
	f.Add("title", "label", "/path", 320)
	f.Add("<a&\"'>", "]]>\x00", "\xff\ufffe\u202e", -5)
	f.Add("", strings.Repeat("很长", 200), strings.Repeat("e\u0301", 300), 1<<20)
	f.Fuzz(func(t *testing.T, title, label, name string, width int) {
		width = min(width, 1<<20)
		sound(t, chart.Bars{
			Title: title, Description: name, Heading: true, Width: width, Labels: []string{label, name},
			Series: []chart.Series{{Name: name, Values: []int64{3, 4}}, {Name: title, Values: []int64{1, 0}, Other: true}},
			Words:  chart.Words{Other: label, Empty: title},
		}.SVG)
		sound(t, chart.Ranking{
			Title: title, Description: label, Heading: true, Width: width,
			Rows:  []chart.Row{{Name: name, Value: 3, Text: label}, {Name: label, Value: 1}},
			Words: chart.Words{New: name},
		}.SVG)
		sound(t, chart.Bars{Title: title, Width: width, Words: chart.Words{Empty: name}}.Inline)
	})
}

func TestPolicyAllowsTheStyleOfAPicture(t *testing.T) {
	var out bytes.Buffer
	if err := (chart.Ranking{}).SVG(&out); err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(out.String(), "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	if want := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(chart.Policy(), want) {
		t.Errorf("policy %q lacks %s", chart.Policy(), want)
	}
	out.Reset()
	if err := (chart.Ranking{}).Inline(&out); err != nil || strings.Contains(out.String(), "<style") {
		t.Errorf("inline, it has a style sheet (%v)", err)
	}
}
