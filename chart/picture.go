package chart

import "io"

// Picture is a chart, whatever its kind.
type Picture interface {
	// SVG writes it as a file that stands alone.
	SVG(w io.Writer) error
	// Inline writes it as SVG without its style sheet, for a page that
	// serves [CSS].
	Inline(w io.Writer) error
	// PNG writes it as pixels.
	PNG(w io.Writer, r Raster) error
}

var _ = []Picture{Bars{}, Lines{}, Ranking{}, Spark{}}

// drawn is a chart that lays itself out.
type drawn interface{ draw() (*canvas, error) }

func write(w io.Writer, d drawn, inline bool) error {
	c, err := d.draw()
	if err != nil {
		return err
	}
	return c.write(w, inline)
}
