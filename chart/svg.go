package chart

import (
	"bytes"
	"encoding/xml"
	"math"
	"strconv"
	"strings"
)

// svgWriter writes marks as elements of SVG.
type svgWriter struct{ b bytes.Buffer }

func (w *svgWriter) picture(c *canvas, inline bool) {
	origin, width, height := 0.0, c.width, c.height
	if !inline {
		origin, width, height = -margin, width+2*margin, height+2*margin
	}
	at, size := num(origin), num(width)+`" height="`+num(height)
	w.raw(`<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" width="`, size,
		`" viewBox="`, at, ` `, at, ` `, num(width), ` `, num(height), `" aria-label="`)
	w.escape(c.title)
	w.raw(`">`)
	w.element("title", c.title)
	w.element("desc", c.description)
	if !inline {
		w.raw(`<style>`, CSS, `</style><rect class="g" x="`, at, `" y="`, at, `" width="`, size, `"/>`)
	}
	for _, m := range c.marks {
		m.svg(w)
	}
	w.raw("</svg>\n")
}

func (m text) svg(w *svgWriter) {
	if m.tip != "" {
		w.raw(`<g>`)
		w.element("title", m.tip)
		defer w.raw(`</g>`)
	}
	w.raw(`<text`)
	if m.class != "" {
		w.raw(` class="`, m.class, `"`)
	}
	w.raw(` x="`, num(m.x), `" y="`, num(m.y), `">`)
	w.escape(m.line)
	w.raw(`</text>`)
}

func (m rect) svg(w *svgWriter) {
	w.raw(`<rect class="`, m.class, `" x="`, num(m.x), `" y="`, num(m.y),
		`" width="`, num(m.width), `" height="`, num(m.height), `"`)
	if m.tip == "" {
		w.raw(`/>`)
		return
	}
	w.raw(`>`)
	w.element("title", m.tip)
	w.raw(`</rect>`)
}

func (m boxes) svg(w *svgWriter) {
	var d strings.Builder
	for _, b := range m.list { // shorter than an element each
		width := num(b.width)
		for _, part := range []string{"M", num(b.x), " ", num(b.y), "h", width, "v", num(b.height), "h-", width, "z"} {
			d.WriteString(part)
		}
	}
	w.path(m.class, d.String())
}

func (m rules) svg(w *svgWriter) {
	var d strings.Builder
	for _, r := range m.list {
		d.WriteString("M" + num(r.x) + " " + num(r.y) + "H" + num(r.x+r.width))
	}
	w.path(m.class, d.String())
}

func (m strip) svg(w *svgWriter) {
	d := polyline(m.points)
	if len(m.points) == 1 {
		d += "h0" // which has round ends
	}
	w.path(m.class, d)
}

func (m area) svg(w *svgWriter) {
	first, last, level := m.points[0], m.points[len(m.points)-1], num(m.level)
	w.path(m.class, polyline(m.points)+"L"+num(last.x)+" "+level+"H"+num(first.x)+"z")
}

func polyline(points []point) string {
	var d strings.Builder
	for i, p := range points {
		letter := "L"
		if i == 0 {
			letter = "M"
		}
		d.WriteString(letter + num(p.x) + " " + num(p.y))
	}
	return d.String()
}

func (w *svgWriter) path(class, d string) {
	if d != "" {
		w.raw(`<path class="`, class, `" d="`, d, `"/>`)
	}
}

func (w *svgWriter) element(name, text string) {
	if text != "" {
		w.raw(`<`, name, `>`)
		w.escape(text)
		w.raw(`</`, name, `>`)
	}
}

// escape writes text for XML; what XML cannot hold becomes U+FFFD.
func (w *svgWriter) escape(s string) {
	xml.EscapeText(&w.b, []byte(s)) //nolint:errcheck // a bytes.Buffer takes everything
}

func (w *svgWriter) raw(parts ...string) {
	for _, p := range parts {
		w.b.WriteString(p)
	}
}

// num writes a coordinate with at most two decimals.
func num(v float64) string {
	v = math.Round(v*100) / 100
	if v == 0 {
		return "0" // and not -0
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}
