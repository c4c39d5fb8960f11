package chart

import "io"

// canvas collects the marks of one picture, the same for every format.
// Coordinates are units, a hundredth at the finest.
type canvas struct {
	title, description string // what the picture is called and what it shows
	width, height      float64
	marks              []mark
}

// margin is the ground around a picture that stands alone.
const margin = 16.0

// mark is one thing that is drawn. Its class is one of chart.css.
type mark interface {
	svg(w *svgWriter)
	paint(p *painter)
}

type point struct{ x, y float64 }

type rectangle struct{ x, y, width, height float64 }

// The marks.
type (
	// text is one line of text on the baseline y. Its tip is shown to who
	// points at it.
	text struct {
		x, y             float64
		class, line, tip string
	}
	// rect is a rectangle.
	rect struct {
		rectangle
		class, tip string
	}
	// boxes are rectangles of one class.
	boxes struct {
		class string
		list  []rectangle
	}
	// rules are lines from left to right, a unit thick.
	rules struct {
		class string
		list  []rectangle // without height
	}
	// strip is a line through points, two units thick; of class p, and one
	// point, a dot of six.
	strip struct {
		class  string
		points []point
	}
	// area is what lies between points and a level.
	area struct {
		class  string
		points []point
		level  float64
	}
)

func newCanvas(width, height float64, title, description string) *canvas {
	return &canvas{title: title, description: description, width: width, height: height}
}

// write writes the picture in one piece. One that is inline has neither a
// style sheet nor a ground.
func (c *canvas) write(w io.Writer, inline bool) error {
	s := &svgWriter{}
	s.picture(c, inline)
	_, err := w.Write(s.b.Bytes())
	return err
}

func (c *canvas) add(m mark) { c.marks = append(c.marks, m) }

func (c *canvas) text(x, y float64, class, s string) { c.add(text{x, y, class, s, ""}) }

// shortText is text cut to a width, with the whole of it as its tooltip.
func (c *canvas) shortText(x, y, width float64, class, s, tooltip string) {
	c.add(text{x, y, class, shorten(s, width), tooltip})
}

func (c *canvas) rect(x, y, width, height float64, class string) {
	c.tip(x, y, width, height, class, "")
}

// tip is a rect with a tooltip.
func (c *canvas) tip(x, y, width, height float64, class, tooltip string) {
	c.add(rect{rectangle{x, y, width, height}, class, tooltip})
}

// heading draws the title above everything else.
func (c *canvas) heading() {
	c.text(0, 18, "h", shorten(c.title, c.width*fontSize/16))
}
