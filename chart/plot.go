package chart

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/beforehand-go/beforehand/internal/number"
)

// plot is a picture with an axis, laid out: where things go.
type plot struct {
	Bars
	words         Words
	width, height float64
	left, top     float64 // corner of the plot's area
	plot          float64 // its height
	step          float64 // from one label to the next
	ticks         []float64
	stacked       bool    // series lie on each other
	totals        []int64 // one for each label, where they are stacked
	columns, rows int     // of the legend
}

// layout places everything. Values that are stacked reach as high as their sum.
func (b Bars) layout(stacked bool) (*plot, error) {
	p := &plot{Bars: b, stacked: stacked, words: b.Words.orEnglish(), width: 960, plot: 280, top: 10}
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
	p.height = p.top + p.plot + 10
	if p.empty() {
		return p, nil
	}
	p.ticks = ticks(p.highest())
	for _, t := range p.ticks {
		p.left = max(p.left, math.Ceil(textWidth(p.words.Number(t)))+8)
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

// highest is the value that the axis must reach.
func (p *plot) highest() int64 {
	if p.stacked {
		p.totals = totals(p.Series, len(p.Labels))
		return slices.Max(p.totals)
	}
	top := int64(0)
	for _, s := range p.Series {
		top = max(top, slices.Max(s.Values))
	}
	return top
}

// canvas draws everything but the series, which series draws.
func (p *plot) canvas(series func(c *canvas)) *canvas {
	c := newCanvas(p.width, p.height, p.Title, p.Description)
	if p.Heading {
		c.heading()
	}
	if p.empty() {
		c.text(p.width/2, p.top+p.plot/2, "m c", shorten(p.words.Empty, p.width))
		return c
	}
	p.axis(c)
	series(c)
	p.labels(c)
	p.tips(c)
	p.legend(c)
	return c
}

func (p *plot) empty() bool { return len(p.Labels) == 0 || len(p.Series) == 0 }

func (b Bars) check() error {
	if len(b.Tips) > 0 && len(b.Tips) != len(b.Labels) {
		return fmt.Errorf("there are %d tips for %d labels", len(b.Tips), len(b.Labels))
	}
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
func (p *plot) axis(c *canvas) {
	lines := rules{class: "l"}
	for _, t := range p.ticks {
		y := p.y(t)
		lines.list = append(lines.list, rectangle{p.left, y, p.width - p.left, 0})
		c.text(p.left-8, y+4, "m e", p.words.Number(t))
	}
	c.add(lines)
}

// y is where a value lies on the axis.
func (p *plot) y(v float64) float64 {
	return p.top + p.plot*(1-v/p.ticks[len(p.ticks)-1])
}

// x is the middle of a label's column.
func (p *plot) x(label int) float64 { return p.left + p.step*(float64(label)+.5) }

// labels writes as many labels as fit beside each other, evenly.
func (p *plot) labels(c *canvas) {
	const most, gap = 110, 6
	widest := 0.0
	for _, l := range p.Labels {
		widest = max(widest, min(textWidth(l), most))
	}
	every := max(1, int(math.Ceil((widest+gap)/p.step)))
	for i := 0; i < len(p.Labels); i += every {
		l := shorten(p.Labels[i], most)
		half := textWidth(l) / 2
		c.text(min(max(p.x(i), half), p.width-half), p.top+p.plot+18, "m c", l)
	}
}

// tips lays an invisible column over each label, with all its numbers as tooltip.
func (p *plot) tips(c *canvas) {
	names := p.Labels
	if len(p.Tips) > 0 {
		names = p.Tips
	}
	for i, name := range names {
		var tip strings.Builder
		tip.WriteString(name)
		if p.stacked {
			tip.WriteString(": " + number.Grouped(p.totals[i]))
		}
		for _, s := range p.told() {
			if s.Values[i] > 0 || !p.stacked {
				tip.WriteString("\n" + s.Name + ": " + number.Grouped(s.Values[i]))
			}
		}
		c.tip(p.left+p.step*float64(i), p.top, p.step, p.plot, "x", tip.String())
	}
}

// told are the series in the order in which a tooltip tells them: from the top.
func (p *plot) told() []Series {
	list := slices.Clone(p.Series)
	if p.stacked {
		slices.Reverse(list)
	}
	return list
}

func (p *plot) legend(c *canvas) {
	column := p.width / float64(p.columns)
	for n, s := range p.Series {
		x := column * float64(n%p.columns)
		y := p.top + p.plot + 34 + 20*float64(n/p.columns)
		c.rect(x, y, 10, 10, colour(n, s))
		c.shortText(x+16, y+9, column-26, "", s.Name, s.Name+": "+number.Grouped(sum(s.Values)))
	}
}
