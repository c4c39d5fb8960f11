package chart

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/image/vector"
)

// Raster says how a picture becomes pixels. It has the colours of [CSS].
type Raster struct {
	Dark  bool    // the dark theme, of which a file of pixels cannot have both
	Scale float64 // pixels of a unit, at most 8; zero means 2
	Fonts *Fonts  // write the text; nil means those of the program, which have no Chinese
}

func (r Raster) write(w io.Writer, d drawn) error {
	c, err := d.draw()
	if err != nil {
		return err
	}
	p := r.painter(c)
	for _, m := range c.marks {
		m.paint(p)
	}
	if err := png.Encode(w, p.img); err != nil {
		return fmt.Errorf("write png: %w", err)
	}
	return nil
}

// painter paints marks.
type painter struct {
	img     *image.RGBA
	scale   float64
	colours map[string]color.RGBA
	fonts   *Fonts
	edges   vector.Rasterizer
}

func (r Raster) painter(c *canvas) *painter {
	scale := min(r.Scale, 8)
	if !(scale > 0) {
		scale = 2
	}
	size := func(units float64) int { return int(math.Ceil((units + 2*margin) * scale)) }
	p := &painter{
		img:   image.NewRGBA(image.Rect(0, 0, size(c.width), size(c.height))),
		scale: scale, colours: palette(r.Dark), fonts: r.Fonts,
	}
	if p.fonts == nil {
		p.fonts = &Fonts{}
	}
	draw.Draw(p.img, p.img.Bounds(), image.NewUniform(p.colours["g"]), image.Point{}, draw.Src)
	return p
}

var custom = regexp.MustCompile(`--_(\w+):(#[0-9a-f]+)`)

// palette reads a theme's colours from the first or the second line of the
// style sheet.
func palette(dark bool) map[string]color.RGBA {
	lines := strings.SplitN(CSS, "\n", 3)
	theme := lines[0]
	if dark {
		theme = lines[1]
	}
	colours := map[string]color.RGBA{}
	for _, m := range custom.FindAllStringSubmatch(lines[0]+theme, -1) { // what the dark theme does not name is as it was
		colours[m[1]] = hex(m[2])
	}
	return colours
}

// hex reads #rgb or #rrggbb.
func hex(s string) color.RGBA {
	if len(s) == 4 {
		s = string([]byte{'#', s[1], s[1], s[2], s[2], s[3], s[3]})
	}
	n, _ := strconv.ParseUint(s[1:], 16, 32) // only digits are matched
	return color.RGBA{uint8(n >> 16), uint8(n >> 8), uint8(n), 255}
}

// colour is what a mark's class says.
func (p *painter) colour(class string) color.RGBA {
	for name := range strings.FieldsSeq(class) {
		if series, ok := strings.CutPrefix(name, "s"); ok {
			name = series
		}
		if name == "t" { // a track, which is not the text's colour
			name = "l"
		}
		if c, ok := p.colours[name]; ok {
			return c
		}
	}
	return p.colours["t"]
}

// at is where a point of the picture lies among the pixels.
func (p *painter) at(x, y float64) (px, py float32) {
	return float32((x + margin) * p.scale), float32((y + margin) * p.scale)
}

// outline begins shapes that lie within bounds of units.
func (p *painter) outline(left, top, right, bottom float64) image.Rectangle {
	x0, y0 := p.at(left, top)
	x1, y1 := p.at(right, bottom)
	r := image.Rect(int(x0)-1, int(y0)-1, int(x1)+2, int(y1)+2).Intersect(p.img.Bounds())
	p.edges.Reset(r.Dx(), r.Dy())
	return r
}

// polygon adds a shape to what outline began. Points go clockwise.
func (p *painter) polygon(r image.Rectangle, points ...point) {
	for i, q := range points {
		x, y := p.at(q.x, q.y)
		x, y = x-float32(r.Min.X), y-float32(r.Min.Y)
		if i == 0 {
			p.edges.MoveTo(x, y)
		} else {
			p.edges.LineTo(x, y)
		}
	}
	p.edges.ClosePath()
}

func (p *painter) fill(r image.Rectangle, c color.Color) {
	p.edges.Draw(p.img, r, image.NewUniform(c), image.Point{})
}

// rectangles are filled one by one: all pixels between them would be gone over.
func (p *painter) rectangles(list []rectangle, c color.Color) {
	for _, b := range list {
		right, bottom := b.x+b.width, b.y+b.height
		r := p.outline(b.x, b.y, right, bottom)
		p.polygon(r, point{b.x, b.y}, point{right, b.y}, point{right, bottom}, point{b.x, bottom})
		p.fill(r, c)
	}
}

func (m rect) paint(p *painter) {
	if m.class != "x" { // which is there to be pointed at
		p.rectangles([]rectangle{m.rectangle}, p.colour(m.class))
	}
}

func (m boxes) paint(p *painter) { p.rectangles(m.list, p.colour(m.class)) }

func (m rules) paint(p *painter) {
	thick := make([]rectangle, len(m.list))
	for i, r := range m.list {
		thick[i] = rectangle{r.x, r.y - .5, r.width, 1}
	}
	p.rectangles(thick, p.colour(m.class))
}

func (m area) paint(p *painter) {
	first, last := m.points[0], m.points[len(m.points)-1]
	r := p.outline(first.x, 0, last.x, m.level)
	p.polygon(r, append(append([]point(nil), m.points...), point{last.x, m.level}, point{first.x, m.level})...)
	c := p.colour(m.class)
	p.fill(r, color.NRGBA{c.R, c.G, c.B, 38}) // .15, as in chart.css
}

// dots are five units apart from each other, as in chart.css.
func dots(from, to point) []point {
	n := math.Ceil(math.Hypot(to.x-from.x, to.y-from.y) / 5)
	list := []point{from}
	for i := 1.0; i <= n; i++ {
		list = append(list, point{from.x + (to.x-from.x)*i/n, from.y + (to.y-from.y)*i/n})
	}
	return list
}

// paint draws each piece of a line with round ends.
func (m strip) paint(p *painter) {
	const corners = 16
	half := 1.0
	classes := strings.Fields(m.class)
	if slices.Contains(classes, "p") {
		half = 3
	}
	dotted := slices.Contains(classes, "q")
	if dotted {
		m.points = dots(m.points[0], m.points[1])
	}
	left, top, right, bottom := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, q := range m.points {
		left, top = min(left, q.x-half), min(top, q.y-half)
		right, bottom = max(right, q.x+half), max(bottom, q.y+half)
	}
	r := p.outline(left, top, right, bottom)
	for i, q := range m.points {
		end := make([]point, corners)
		for j := range end {
			sin, cos := math.Sincos(2 * math.Pi * float64(j) / corners)
			end[j] = point{q.x + half*cos, q.y + half*sin}
		}
		p.polygon(r, end...)
		if i == 0 || dotted {
			continue
		}
		from := m.points[i-1]
		length := math.Hypot(q.x-from.x, q.y-from.y)
		if length == 0 {
			continue
		}
		dx, dy := half*(q.x-from.x)/length, half*(q.y-from.y)/length
		p.polygon(r, point{from.x + dy, from.y - dx}, point{q.x + dy, q.y - dx}, point{q.x - dy, q.y + dx}, point{from.x - dy, from.y + dx})
	}
	p.fill(r, p.colour(m.class))
}
