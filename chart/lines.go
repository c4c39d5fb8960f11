package chart

import (
	"fmt"
	"io"
	"slices"
)

// Lines is a picture with a line for each series, above an axis that starts at
// zero. Its fields are those of [Bars]; the lines of a series that is Other are
// drawn first, under the others, in the last colour, such as those of the
// period before.
type Lines Bars

// SVG writes the picture as a file that stands alone. It refuses what
// [Bars.SVG] refuses.
func (l Lines) SVG(w io.Writer) error { return write(w, l, false) }

// Inline writes the picture without its style sheet, for a page that serves
// [CSS].
func (l Lines) Inline(w io.Writer) error { return write(w, l, true) }

// PNG writes the picture as pixels.
func (l Lines) PNG(w io.Writer, r Raster) error { return r.write(w, l) }

func (l Lines) draw() (*canvas, error) {
	p, err := Bars(l).layout(false)
	if err != nil {
		return nil, fmt.Errorf("draw lines: %w", err)
	}
	return p.canvas(p.lines), nil
}

func (p *plot) lines(c *canvas) {
	for n, s := range slices.Backward(p.Series) {
		line := strip{class: "n " + colour(n, s)}
		if len(s.Values) == 1 {
			line.class = "n p " + colour(n, s)
		}
		for i, v := range s.Values {
			line.points = append(line.points, point{p.x(i), p.y(float64(v))})
		}
		if s.Area && len(line.points) > 1 {
			c.add(area{"a " + colour(n, s), line.points, p.y(0)})
		}
		if last := len(line.points) - 1; s.Open && last > 0 {
			c.add(strip{class: line.class + " q", points: line.points[last-1:]})
			line.points = line.points[:last]
		}
		c.add(line)
	}
}
