package chart

import (
	"fmt"
	"io"
	"math"
	"strconv"
)

// Ranking is a picture of a list in order: for each row its rank, how far it
// climbed or fell, its name, a bar, and a number. A plain one is horizontal bars.
type Ranking struct {
	Title       string // what the picture is, for screen readers and its heading
	Description string // what it shows, for screen readers; zero leaves it out
	Rows        []Row  // the first first
	Heading     bool   // draws Title above the rows, for a picture without a caption
	Plain       bool   // leaves out ranks and how far a row climbed
	Width       int    // units, at least 240; zero means 640
	Words       Words
}

// Row is one place of a ranking.
type Row struct {
	Name   string
	Value  float64 // length of its bar beside the others', not negative
	Text   string  // the number at its right; zero means Value, short
	Change *int    // places climbed since the list before, negative: fallen; nil: it was not on it
}

const rowHeight = 38.0

// SVG writes the picture as a file that stands alone. It refuses a value that
// is negative or not a number.
func (r Ranking) SVG(w io.Writer) error { return write(w, r, false) }

// Inline writes the picture without its style sheet, for a page that serves
// [CSS].
func (r Ranking) Inline(w io.Writer) error { return write(w, r, true) }

// PNG writes the picture as pixels.
func (r Ranking) PNG(w io.Writer, o Raster) error { return o.write(w, r) }

func (r Ranking) draw() (*canvas, error) {
	longest := 0.0
	for _, row := range r.Rows {
		if !(row.Value >= 0) || math.IsInf(row.Value, 1) {
			return nil, fmt.Errorf("draw ranking: %q has the value %v", row.Name, row.Value)
		}
		longest = max(longest, row.Value)
	}
	r.Words = r.Words.orEnglish()
	width, top := 640.0, 0.0
	if r.Width != 0 {
		width = float64(max(r.Width, 240))
	}
	if r.Heading {
		top = 34
	}
	c := newCanvas(width, top+rowHeight*float64(max(len(r.Rows), 2)), r.Title, r.Description)
	if r.Heading {
		c.heading()
	}
	if len(r.Rows) == 0 {
		c.text(width/2, top+rowHeight, "m c", shorten(r.Words.Empty, width))
	}
	for i, row := range r.Rows {
		r.row(c, i, row, top+rowHeight*float64(i), width, longest)
	}
	return c, nil
}

// row draws the ith row with its upper edge at y.
func (r Ranking) row(c *canvas, i int, row Row, y, width, longest float64) {
	const rank, mark = 26, 34 // columns
	name := 74.0
	if r.Plain {
		name = 0
	}
	if row.Text == "" {
		row.Text = r.Words.Number(row.Value)
	}
	text := shorten(row.Text, (width-name)/2)
	if !r.Plain {
		c.text(rank, y+15, "m e", strconv.Itoa(i+1))
		class, change := r.change(row.Change)
		c.text(mark, y+15, class, shorten(change, name-mark-4))
	}
	c.shortText(name, y+15, width-name-textWidth(text)-12, "", row.Name, row.Name+": "+row.Text)
	c.text(width, y+15, "e", text)
	c.rect(name, y+22, width-name, 6, "t")
	if longest > 0 {
		c.rect(name, y+22, (width-name)*row.Value/longest, 6, "s1")
	}
}

// change is a row's mark and its style class.
func (r Ranking) change(n *int) (class, mark string) {
	switch {
	case n == nil:
		return "u", r.Words.New
	case *n > 0:
		return "u", "▲" + strconv.Itoa(*n)
	case *n < 0:
		return "d", "▼" + strconv.FormatUint(uint64(-int64(*n)), 10)
	default:
		return "m", "–"
	}
}
