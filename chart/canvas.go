package chart

import (
	"bytes"
	"encoding/xml"
	"io"
	"math"
	"strconv"
	"strings"
)

// canvas collects the elements of one picture. Coordinates are units of its
// view box, a hundredth at the finest.
type canvas struct {
	b bytes.Buffer
}

// margin is the ground around a picture that stands alone.
const margin = 16.0

// frame opens the picture: its size, what it is called and what it shows.
func (c *canvas) frame(width, height float64, title, description string, inline bool) {
	origin := 0.0
	if !inline {
		origin = -margin
		width, height = width+2*margin, height+2*margin
	}
	at, size := num(origin), num(width)+`" height="`+num(height)
	c.raw(`<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" width="`, size,
		`" viewBox="`, at, ` `, at, ` `, num(width), ` `, num(height), `" aria-label="`)
	c.escape(title)
	c.raw(`">`)
	c.element("title", title)
	c.element("desc", description)
	if !inline {
		c.raw(`<style>`, CSS, `</style><rect class="g" x="`, at, `" y="`, at, `" width="`, size, `"/>`)
	}
}

// writeTo closes the picture and writes it in one piece.
func (c *canvas) writeTo(w io.Writer) error {
	c.raw("</svg>\n")
	_, err := w.Write(c.b.Bytes())
	return err
}

// text sets one line of text on the baseline y.
func (c *canvas) text(x, y float64, class, s string) {
	c.raw(`<text`)
	if class != "" {
		c.raw(` class="`, class, `"`)
	}
	c.raw(` x="`, num(x), `" y="`, num(y), `">`)
	c.escape(s)
	c.raw(`</text>`)
}

// shortText is text cut to a width, with the whole of it as its tooltip.
func (c *canvas) shortText(x, y, width float64, class, s, tooltip string) {
	c.raw(`<g>`)
	c.element("title", tooltip)
	c.text(x, y, class, shorten(s, width))
	c.raw(`</g>`)
}

func (c *canvas) rect(x, y, width, height float64, class string) {
	c.openRect(x, y, width, height, class)
	c.raw(`/>`)
}

// tip is a rect with a tooltip.
func (c *canvas) tip(x, y, width, height float64, class, tooltip string) {
	c.openRect(x, y, width, height, class)
	c.raw(`>`)
	c.element("title", tooltip)
	c.raw(`</rect>`)
}

func (c *canvas) openRect(x, y, width, height float64, class string) {
	c.raw(`<rect class="`, class, `" x="`, num(x), `" y="`, num(y),
		`" width="`, num(width), `" height="`, num(height), `"`)
}

func (c *canvas) path(class, d string) {
	if d != "" {
		c.raw(`<path class="`, class, `" d="`, d, `"/>`)
	}
}

func (c *canvas) element(name, text string) {
	if text != "" {
		c.raw(`<`, name, `>`)
		c.escape(text)
		c.raw(`</`, name, `>`)
	}
}

// escape writes text for XML; what XML cannot hold becomes U+FFFD.
func (c *canvas) escape(s string) {
	xml.EscapeText(&c.b, []byte(s)) //nolint:errcheck // a bytes.Buffer takes everything
}

func (c *canvas) raw(parts ...string) {
	for _, p := range parts {
		c.b.WriteString(p)
	}
}

// box is the path of a rectangle, shorter than its element.
func box(x, y, width, height float64) string {
	w := num(width)
	return strings.Join([]string{"M", num(x), " ", num(y), "h", w, "v", num(height), "h-", w, "z"}, "")
}

// num writes a coordinate with at most two decimals.
func num(v float64) string {
	v = math.Round(v*100) / 100
	if v == 0 {
		return "0" // and not -0
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}
