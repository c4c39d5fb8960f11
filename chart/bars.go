package chart

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/beforehand-go/beforehand/internal/number"
)

// Bars is a picture of stacked bars, one for each label, above an axis that
// starts at zero. Ten series have a colour of their own; the smallest of more
// than ten are drawn together in the last colour.
type Bars struct {
	Title       string   // what the picture is, for screen readers and its heading
	Description string   // what it shows, for screen readers; zero leaves it out
	Labels      []string // under the bars; thinned out where they would touch
	Series      []Series // from the bottom of the bars to their top
	Heading     bool     // draws Title above the bars, for a picture without a caption
	Width       int      // units, at least 240; zero means 960
	Plot        int      // height of the bars' area in units; zero means 280
	Words       Words
}

// SVG writes the picture as a file that stands alone. It refuses values that
// are negative, that are not as many as the labels, or whose total does not
// fit an int64.
func (b Bars) SVG(w io.Writer) error { return b.write(w, false) }

// Inline writes the picture without its style sheet, for a page that serves
// [CSS].
func (b Bars) Inline(w io.Writer) error { return b.write(w, true) }

func (b Bars) write(w io.Writer, inline bool) error {
	p, err := b.plot()
	if err != nil {
		return fmt.Errorf("draw bars: %w", err)
	}
	c := &canvas{}
	c.frame(p.width, p.height, b.Title, b.Description, inline)
	if b.Heading {
		c.text(0, 18, "h", shorten(b.Title, p.width*fontSize/16))
	}
	if p.empty() {
		c.text(p.width/2, p.top+p.plot/2, "m c", shorten(p.words.Empty, p.width))
		return c.writeTo(w)
	}
	p.axis(c)
	p.bars(c)
	p.labels(c)
	p.tips(c)
	p.legend(c)
	return c.writeTo(w)
}

// barPlot is the picture laid out: where things go.
type barPlot struct {
	Bars
	words         Words
	width, height float64
	left, top     float64 // corner of the bars' area
	plot          float64 // its height
	step          float64 // from one bar to the next
	ticks         []float64
	totals        []int64 // one for each label
	columns, rows int     // of the legend
}

func (b Bars) plot() (*barPlot, error) {
	p := &barPlot{Bars: b, words: b.Words.orEnglish(), width: 960, plot: 280, top: 10}
	if b.Width != 0 {
		p.width = float64(max(b.Width, 240))
	}
	if b.Plot != 0 {
		p.plot = float64(max(b.Plot, 60))
	}
	if b.Heading {
		p.top = 40
	}
	if err := b.check(); err != nil {
		return nil, err
	}
	p.Series = fold(b.Series, p.words.Other)
	p.totals = totals(p.Series, len(b.Labels))
	p.height = p.top + p.plot + 10
	if p.empty() {
		return p, nil
	}
	p.ticks = ticks(slices.Max(p.totals))
	for _, t := range p.ticks {
		p.left = max(p.left, math.Ceil(textWidth(number.Compact(t)))+8)
	}
	p.step = (p.width - p.left) / float64(len(b.Labels))
	widest := 0.0
	for _, s := range p.Series {
		widest = max(widest, textWidth(s.Name)+32)
	}
	p.columns = max(1, int(p.width/min(widest, 230, p.width/2)))
	p.rows = (len(p.Series) + p.columns - 1) / p.columns
	p.height = p.top + p.plot + 34 + 20*float64(p.rows)
	return p, nil
}

func (p *barPlot) empty() bool { return len(p.Labels) == 0 || len(p.Series) == 0 }

func (b Bars) check() error {
	sum := int64(0)
	for _, s := range b.Series {
		if len(s.Values) != len(b.Labels) {
			return fmt.Errorf("series %q has %d values for %d labels", s.Name, len(s.Values), len(b.Labels))
		}
		for i, v := range s.Values {
			if v < 0 {
				return fmt.Errorf("series %q has %d at %q", s.Name, v, b.Labels[i])
			}
			if sum += v; sum < 0 {
				return errors.New("the total does not fit an int64")
			}
		}
	}
	return nil
}

// axis draws a line and a number for each tick.
func (p *barPlot) axis(c *canvas) {
	var lines strings.Builder
	for _, t := range p.ticks {
		y := p.y(t)
		lines.WriteString("M" + num(p.left) + " " + num(y) + "H" + num(p.width))
		c.text(p.left-8, y+4, "m e", number.Compact(t))
	}
	c.path("l", lines.String())
}

// y is where a value lies on the axis.
func (p *barPlot) y(v float64) float64 {
	return p.top + p.plot*(1-v/p.ticks[len(p.ticks)-1])
}

// bars draws each series as one path, a hair's breadth apart from the next.
func (p *barPlot) bars(c *canvas) {
	width := min(p.step*.76, 72)
	if p.step < 6 { // too narrow for gaps: bars reach a little under the next
		width = p.step + .1
	}
	below := make([]float64, len(p.Labels))
	for n, s := range p.Series {
		var d strings.Builder
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
			x := p.left + p.step*(float64(i)+.5) - width/2
			d.WriteString(box(x, bottom-height, min(width, p.width-x), height))
		}
		c.path(colour(n, s), d.String())
	}
}

// labels writes as many labels as fit beside each other, evenly.
func (p *barPlot) labels(c *canvas) {
	const most, gap = 110, 6
	widest := 0.0
	for _, l := range p.Labels {
		widest = max(widest, min(textWidth(l), most))
	}
	every := max(1, int(math.Ceil((widest+gap)/p.step)))
	for i := 0; i < len(p.Labels); i += every {
		l := shorten(p.Labels[i], most)
		half := textWidth(l) / 2
		x := p.left + p.step*(float64(i)+.5)
		c.text(min(max(x, half), p.width-half), p.top+p.plot+18, "m c", l)
	}
}

// tips lays an invisible column over each bar, with all its numbers as tooltip.
func (p *barPlot) tips(c *canvas) {
	for i, l := range p.Labels {
		var tip strings.Builder
		tip.WriteString(l + ": " + number.Grouped(p.totals[i]))
		for _, s := range slices.Backward(p.Series) {
			if s.Values[i] > 0 {
				tip.WriteString("\n" + s.Name + ": " + number.Grouped(s.Values[i]))
			}
		}
		c.tip(p.left+p.step*float64(i), p.top, p.step, p.plot, "x", tip.String())
	}
}

func (p *barPlot) legend(c *canvas) {
	column := p.width / float64(p.columns)
	for n, s := range p.Series {
		x := column * float64(n%p.columns)
		y := p.top + p.plot + 34 + 20*float64(n/p.columns)
		c.rect(x, y, 10, 10, colour(n, s))
		c.shortText(x+16, y+9, column-26, "", s.Name, s.Name+": "+number.Grouped(sum(s.Values)))
	}
}
