package chart_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/beforehand-go/beforehand/chart"
)

func TestPaint(t *testing.T) {
	var b bytes.Buffer
	if err := (chart.Spark{Title: "Reads", Labels: []string{"a", "b"}, Values: []int64{1, 2}}).SVG(&b); err != nil {
		t.Fatal(err)
	}
	const light, dark = "--_t:#1b2026", "--_t:#e6e9ec"
	for _, c := range []struct {
		theme                chart.Theme
		lights, darks, media bool
	}{{chart.Auto, true, true, true}, {chart.Light, true, false, false}, {chart.Dark, true, true, false}} {
		svg, ours := c.theme.Paint(b.Bytes())
		text := string(svg)
		if !ours || strings.Contains(text, light) != c.lights || strings.Contains(text, dark) != c.darks || strings.Contains(text, "@media") != c.media {
			t.Errorf("%s: %v %s", c.theme, ours, text)
		}
		if c.theme == chart.Dark && strings.Index(text, dark) < strings.Index(text, light) {
			t.Error("dark colours stand before the light ones, which then hold")
		}
		_, rest, _ := strings.Cut(text, "<style>")
		style, _, _ := strings.Cut(rest, "</style>")
		if strings.Count(style, "{") != strings.Count(style, "}") {
			t.Errorf("%s: the style sheet is cut: %s", c.theme, style)
		}
		sum := sha256.Sum256([]byte(style))
		if !strings.Contains(c.theme.Policy(), base64.StdEncoding.EncodeToString(sum[:])) {
			t.Errorf("%s: its policy forbids its style", c.theme)
		}
	}
	if other, ours := chart.Dark.Paint([]byte("<svg/>")); ours || string(other) != "<svg/>" {
		t.Errorf("another picture: %v %s", ours, other)
	}
}
