package chart_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beforehand-go/beforehand/chart"
)

// pixels paints a picture.
func pixels(t *testing.T, p chart.Picture, r chart.Raster) (image.Image, []byte) {
	t.Helper()
	var b bytes.Buffer
	if err := p.PNG(&b, r); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return img, b.Bytes()
}

// TestGoldenPixels compares with what was looked at. Machines may round a
// pixel's edge another way.
func TestGoldenPixels(t *testing.T) {
	for _, name := range []string{"bars-narrow", "lines-compared", "rows-dark", "spark-dark"} {
		picture, dark := strings.CutSuffix(name, "-dark")
		got, file := pixels(t, pictures()[picture], chart.Raster{Dark: dark, Scale: 1})
		path := filepath.Join("testdata", name+".png")
		if *update {
			if err := os.WriteFile(path, file, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		want, err := png.Decode(f)
		f.Close()
		if err != nil || got.Bounds() != want.Bounds() {
			t.Fatalf("%s: %v, want %v, error %v", path, got.Bounds(), want.Bounds(), err)
		}
		if n := unlike(got, want); n > 0 {
			t.Errorf("%s: %d pixels differ; look at it and run go test -update", path, n)
		}
	}
}

// unlike counts pixels that the eye would see differ.
func unlike(a, b image.Image) (n int) {
	r := a.Bounds()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if far(a.At(x, y), b.At(x, y)) {
				n++
			}
		}
	}
	return n
}

func far(a, b color.Color) bool {
	r, g, u, _ := a.RGBA()
	s, h, v, _ := b.RGBA()
	const slack = 12 << 8
	return math.Abs(float64(r)-float64(s)) > slack || math.Abs(float64(g)-float64(h)) > slack || math.Abs(float64(u)-float64(v)) > slack
}

// TestPixelsShowTheSameBars looks at the middle of each bar for the colour of
// its series, and above it for the ground.
func TestPixelsShowTheSameBars(t *testing.T) {
	b := chart.Bars{
		Labels: []string{"a", "b", "c", "d"}, Plot: 200, Width: 400,
		Series: []chart.Series{{Name: "s", Values: []int64{50, 100, 0, 20}}},
	}
	const margin, scale, left = 16, 2, 31 // 31 units are what "100" and its gap take
	img, _ := pixels(t, b, chart.Raster{Scale: scale})
	blue, white := color.RGBA{0x0d, 0x79, 0xb2, 255}, color.RGBA{255, 255, 255, 255}
	for i, v := range b.Series[0].Values {
		x := int((margin + left + (400-left)/4*(float64(i)+.5)) * scale)
		at := func(value float64) color.Color {
			return img.At(x, int((margin+10+200*(1-value/100))*scale))
		}
		for _, value := range []float64{10, 30, 55, 90} { // between the lines of the axis
			want := white
			if value < float64(v) {
				want = blue
			}
			if got := at(value); far(got, want) {
				t.Errorf("bar %d of %d: at %v it is %v, want %v", i, v, value, got, want)
			}
		}
	}
}

// TestPixelsHaveText finds that a word changes them, and where.
func TestPixelsHaveText(t *testing.T) {
	with := chart.Ranking{Plain: true, Rows: []chart.Row{{Name: "Firefox", Value: 1, Text: "."}}}
	without := chart.Ranking{Plain: true, Rows: []chart.Row{{Name: "", Value: 1, Text: "."}}}
	a, _ := pixels(t, with, chart.Raster{})
	b, _ := pixels(t, without, chart.Raster{})
	if n := unlike(a, b); n < 300 || n > 3000 {
		t.Errorf("seven letters change %d pixels", n)
	}
	if a.Bounds().Dx() != 2*(640+2*16) {
		t.Errorf("the picture is %v", a.Bounds())
	}
}

// TestPixelsOfEveryPicture paints all of them, also where no font has the
// letters.
func TestPixelsOfEveryPicture(t *testing.T) {
	for name, p := range pictures() {
		if img, _ := pixels(t, p, chart.Raster{Scale: .2}); img.Bounds().Empty() {
			t.Errorf("%s is empty", name)
		}
	}
}

// TestChinese needs a font on the machine.
func TestChinese(t *testing.T) {
	fonts, err := chart.OpenFonts("")
	if err != nil {
		t.Fatal(err)
	}
	defer fonts.Close()
	if !fonts.Chinese() {
		t.Skip("this machine has no font with Chinese")
	}
	a, _ := pixels(t, chart.Ranking{Rows: []chart.Row{{Name: "文章"}}}, chart.Raster{Fonts: fonts})
	b, _ := pixels(t, chart.Ranking{Rows: []chart.Row{{Name: "世界"}}}, chart.Raster{Fonts: fonts})
	if unlike(a, b) == 0 {
		t.Error("different words look the same")
	}
}

func TestAFileThatIsNoFontIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.ttf")
	if err := os.WriteFile(path, []byte("no font"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{{path, "it must be TrueType or OpenType"}, {path + "x", "open font"}} {
		if _, err := chart.OpenFonts(c[0]); err == nil || !strings.Contains(err.Error(), c[1]) || !strings.Contains(err.Error(), c[0]) {
			t.Errorf("%s: %v", c[0], err)
		}
	}
}

func BenchmarkPNG(b *testing.B) {
	for _, name := range []string{"bars-year", "ranking", "spark"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				var out bytes.Buffer
				if err := pictures()[name].PNG(&out, chart.Raster{}); err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(out.Len()))
			}
		})
	}
}
