package chart

import (
	"fmt"
	"io"
	"slices"

	"github.com/beforehand-go/beforehand/internal/number"
)

// Spark is a small line without an axis, to stand beside a number. Its lower
// edge is zero.
type Spark struct {
	Title       string   // what the picture is, for screen readers
	Description string   // what it shows, for screen readers; zero leaves it out
	Labels      []string // of the values, for the tooltip
	Values      []int64  // as many as the labels, not negative
	Width       int      // units, at least 24; zero means 160
	Height      int      // units, at least 12; zero means 40
}

// SVG writes the picture as a file that stands alone. It refuses values that
// are negative or not as many as the labels.
func (s Spark) SVG(w io.Writer) error { return write(w, s, false) }

// Inline writes the picture without its style sheet, for a page that serves
// [CSS].
func (s Spark) Inline(w io.Writer) error { return write(w, s, true) }

// PNG writes the picture as pixels.
func (s Spark) PNG(w io.Writer, r Raster) error { return r.write(w, s) }

func (s Spark) draw() (*canvas, error) {
	const edge = 3 // room for the last point
	b := Bars{Labels: s.Labels, Series: []Series{{Name: s.Title, Values: s.Values}}}
	if err := b.check(); err != nil {
		return nil, fmt.Errorf("draw spark: %w", err)
	}
	width, height := 160.0, 40.0
	if s.Width != 0 {
		width = float64(max(s.Width, 24))
	}
	if s.Height != 0 {
		height = float64(max(s.Height, 12))
	}
	c := newCanvas(width, height, s.Title, s.Description)
	c.add(rules{"l", []rectangle{{0, height - edge, width, 0}}})
	if len(s.Values) == 0 {
		return c, nil
	}
	top := float64(max(slices.Max(s.Values), 1))
	var points []point
	for i, v := range s.Values {
		x := width / 2
		if n := len(s.Values); n > 1 {
			x = edge + (width-2*edge)*float64(i)/float64(n-1)
		}
		points = append(points, point{x, edge + (height-2*edge)*(1-float64(v)/top)})
	}
	c.add(area{"a s1", points, height - edge})
	c.add(strip{"n s1", points})
	c.add(strip{"n p s1", points[len(points)-1:]})
	step := width / float64(len(s.Values))
	for i, v := range s.Values {
		c.tip(step*float64(i), 0, step, height, "x", s.Labels[i]+": "+number.Grouped(v))
	}
	return c, nil
}
