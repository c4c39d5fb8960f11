package chart

import (
	"fmt"
	"io"
)

// Bars is a picture of stacked bars, one for each label, above an axis that
// starts at zero. Ten series have a colour of their own; the smallest of more
// than ten are drawn together in the last colour.
type Bars struct {
	Title       string   // what the picture is, for screen readers and its heading
	Description string   // what it shows, for screen readers; zero leaves it out
	Labels      []string // under the bars; thinned out where they would touch
	Tips        []string // what tooltips call the labels; zero means as the labels are
	Series      []Series // from the bottom of the bars to their top
	Heading     bool     // draws Title above the bars, for a picture without a caption
	Width       int      // units, at least 240; zero means 960
	Plot        int      // height of the bars' area in units; zero means 280
	Words       Words
}

// SVG writes the picture as a file that stands alone. It refuses values that
// are negative, that are not as many as the labels, or whose total does not
// fit an int64.
func (b Bars) SVG(w io.Writer) error { return write(w, b, false) }

// Inline writes the picture without its style sheet, for a page that serves
// [CSS].
func (b Bars) Inline(w io.Writer) error { return write(w, b, true) }

// PNG writes the picture as pixels.
func (b Bars) PNG(w io.Writer, r Raster) error { return r.write(w, b) }

func (b Bars) draw() (*canvas, error) {
	p, err := b.layout(true)
	if err != nil {
		return nil, fmt.Errorf("draw bars: %w", err)
	}
	return p.canvas(p.bars), nil
}

// bars draws each series as one mark, a hair's breadth apart from the next.
func (p *plot) bars(c *canvas) {
	width := min(p.step*.76, 72)
	if p.step < 6 { // too narrow for gaps: bars reach a little under the next
		width = p.step + .1
	}
	below := make([]float64, len(p.Labels))
	for n, s := range p.Series {
		layer := boxes{class: colour(n, s)}
		for i, v := range s.Values {
			if v == 0 {
				continue
			}
			bottom, top := p.y(below[i]), p.y(below[i]+float64(v))
			below[i] += float64(v)
			height := bottom - top
			if height > 4 {
				height--
			}
			x := p.x(i) - width/2
			layer.list = append(layer.list, rectangle{x, bottom - height, min(width, p.width-x), height})
		}
		c.add(layer)
	}
}
