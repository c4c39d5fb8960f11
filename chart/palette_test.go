package chart_test

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/beforehand-go/beforehand/chart"
)

// seeing are the ways of seeing colour, as what they make of linear red, green
// and blue (Machado, Oliveira and Fernandes 2009, full severity).
var seeing = map[string][9]float64{
	"normal":       {1, 0, 0, 0, 1, 0, 0, 0, 1},
	"protanopia":   {.152286, 1.052583, -.204868, .114503, .786281, .099216, -.003882, -.048116, 1.051998},
	"deuteranopia": {.367322, .860646, -.227968, .280085, .672501, .047413, -.011820, .042940, .968881},
	"tritanopia":   {1.255528, -.076749, -.178779, -.078411, .930809, .147602, .004733, .691367, .303900},
}

var custom = regexp.MustCompile(`--_(\w+):#([0-9a-f]{3,6})`)

// TestPaletteCanBeToldApart holds both themes to WCAG's contrast, and their
// colours to a distance from each other for everyone who sees colour.
func TestPaletteCanBeToldApart(t *testing.T) {
	for theme, line := range strings.Split(chart.CSS, "\n")[:2] {
		colours := map[string][3]float64{}
		for _, m := range custom.FindAllStringSubmatch(line, -1) {
			colours[m[1]] = linear(t, m[2])
		}
		ground := luminance(colours["g"])
		for name, least := range map[string]float64{"t": 7, "m": 4.5, "u": 4.5, "d": 4.5, "o": 3} {
			atLeast(t, theme, name, contrast(luminance(colours[name]), ground), least)
		}
		series := []string{"o"}
		for n := range 10 {
			name := strconv.Itoa(n + 1)
			atLeast(t, theme, name, contrast(luminance(colours[name]), ground), 3)
			series = append(series, name)
		}
		for how, matrix := range seeing {
			for i, a := range series {
				for _, b := range series[:i] {
					d := distance(perceived(colours[a], matrix), perceived(colours[b], matrix))
					atLeast(t, theme, fmt.Sprintf("%s and %s by %s", a, b, how), d, .08) // four times what is just noticeable
				}
			}
		}
	}
}

func atLeast(t *testing.T, theme int, what string, got, least float64) {
	t.Helper()
	if !(got >= least) {
		t.Errorf("theme %d: %s has %.3f, want %v", theme, what, got, least)
	}
}

func linear(t *testing.T, hex string) (c [3]float64) {
	t.Helper()
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	for i := range c {
		v, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c[i] = float64(v) / 255
		if c[i] <= .04045 {
			c[i] /= 12.92
		} else {
			c[i] = math.Pow((c[i]+.055)/1.055, 2.4)
		}
	}
	return c
}

func luminance(c [3]float64) float64 { return .2126*c[0] + .7152*c[1] + .0722*c[2] }

func contrast(a, b float64) float64 { return (max(a, b) + .05) / (min(a, b) + .05) }

// perceived is a colour in OKLab, as someone sees it.
func perceived(c [3]float64, m [9]float64) [3]float64 {
	var s [3]float64
	for i := range s {
		s[i] = min(max(m[3*i]*c[0]+m[3*i+1]*c[1]+m[3*i+2]*c[2], 0), 1)
	}
	l := math.Cbrt(.4122214708*s[0] + .5363325363*s[1] + .0514459929*s[2])
	q := math.Cbrt(.2119034982*s[0] + .6806995451*s[1] + .1073969566*s[2])
	v := math.Cbrt(.0883024619*s[0] + .2817188376*s[1] + .6299787005*s[2])
	return [3]float64{
		.2104542553*l + .7936177850*q - .0040720468*v,
		1.9779984951*l - 2.4285922050*q + .4505937099*v,
		.0259040371*l + .7827717662*q - .8086757660*v,
	}
}

func distance(a, b [3]float64) float64 {
	return math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2]))
}
