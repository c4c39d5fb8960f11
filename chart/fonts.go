package chart

import (
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// Fonts write the text of pixels. Latin, Greek and Cyrillic letters are of the
// Go fonts, which are part of the program; what these lack is of a file. The
// zero value has no file.
type Fonts struct {
	files []*os.File
	more  []*sfnt.Font
}

// installed are the places of fonts with Chinese, and then of one with many
// other letters and signs.
var installed = [][]string{
	{
		"/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
		"/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
		"/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
		"/usr/share/fonts/google-noto-sans-cjk-fonts/NotoSansCJK-Regular.ttc",
		"/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
		"/System/Library/Fonts/PingFang.ttc",
		"/System/Library/Fonts/STHeiti Light.ttc",
		`C:\Windows\Fonts\msyh.ttc`,
		`C:\Windows\Fonts\simsun.ttc`,
	},
	{
		"/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
		"/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
		"/usr/share/fonts/TTF/DejaVuSans.ttf",
		"/System/Library/Fonts/Supplemental/Arial Unicode.ttf",
		`C:\Windows\Fonts\seguisym.ttf`,
	},
}

// OpenFonts opens a file of fonts (TrueType or OpenType, also a collection).
// An empty path looks for fonts with Chinese where systems keep them, and finds
// none without an error.
func OpenFonts(path string) (*Fonts, error) {
	f := &Fonts{}
	if path != "" {
		if err := f.open(path); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		return f, nil
	}
	for _, places := range installed {
		for _, path := range places {
			if f.open(path) == nil {
				break
			}
		}
	}
	return f, nil
}

// Close closes the files.
func (f *Fonts) Close() error {
	var errs []error
	for _, file := range f.files {
		errs = append(errs, file.Close())
	}
	return errors.Join(errs...)
}

// Chinese tells whether there are letters for Chinese.
func (f *Fonts) Chinese() bool {
	return slices.ContainsFunc(f.more, func(font *sfnt.Font) bool { return has(font, '中') })
}

func (f *Fonts) open(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open font: %w", err)
	}
	fonts, err := opentype.ParseCollectionReaderAt(file)
	if err != nil {
		return errors.Join(fmt.Errorf("read font %s: %w: it must be TrueType or OpenType (.ttf, .otf, .ttc)", path, err), file.Close())
	}
	one, err := simplified(fonts)
	if err != nil {
		return errors.Join(fmt.Errorf("read font %s: %w", path, err), file.Close())
	}
	f.files, f.more = append(f.files, file), append(f.more, one)
	return nil
}

// simplified is the font for simplified Chinese in a collection, or its first.
func simplified(fonts *opentype.Collection) (*sfnt.Font, error) {
	for i := range fonts.NumFonts() {
		one, err := fonts.Font(i)
		if err != nil {
			return nil, err
		}
		if name, err := one.Name(nil, sfnt.NameIDFull); err == nil && strings.Contains(name, " SC") {
			return one, nil
		}
	}
	if fonts.NumFonts() == 0 {
		return nil, fs.ErrNotExist
	}
	return fonts.Font(0)
}

// own are the fonts of the program.
var own = sync.OnceValue(func() (fonts [2]*sfnt.Font) {
	for i, ttf := range [][]byte{goregular.TTF, gobold.TTF} {
		font, err := opentype.Parse(ttf)
		if err != nil {
			panic(err) // they are part of the program
		}
		fonts[i] = font
	}
	return fonts
})

// has tells whether a font has a letter.
func has(font *sfnt.Font, r rune) bool {
	i, err := font.GlyphIndex(nil, r)
	return err == nil && i != 0
}

// run is text that one font can write.
type run struct {
	face font.Face
	text string
}

// runs cuts a line by which font has its letters.
func (f *Fonts) runs(line string, size float64, bold bool) []run {
	first := own()[0]
	if bold {
		first = own()[1]
	}
	fonts := append([]*sfnt.Font{first}, f.more...)
	faces := make([]font.Face, len(fonts))
	var list []run
	last := -1
	for _, r := range line {
		n := max(slices.IndexFunc(fonts, func(font *sfnt.Font) bool { return has(font, r) }), 0)
		if faces[n] == nil {
			face, err := opentype.NewFace(fonts[n], &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})
			if err != nil {
				n, face = 0, nil // never: the options are sound
			}
			faces[n] = face
		}
		if n != last {
			list = append(list, run{face: faces[n]})
			last = n
		}
		list[len(list)-1].text += string(r)
	}
	return list
}

// paint writes a line of text, beginning, ending or centred at its point.
func (m text) paint(p *painter) {
	size, bold := fontSize, false
	classes := strings.Fields(m.class)
	if slices.Contains(classes, "h") {
		size, bold = 16, true
	}
	runs := p.fonts.runs(m.line, size*p.scale, bold)
	var width fixed.Int26_6
	for _, r := range runs {
		width += font.MeasureString(r.face, r.text)
	}
	x, y := p.at(m.x, m.y)
	d := font.Drawer{Dst: p.img, Src: image.NewUniform(p.colour(m.class)), Dot: fixed.Point26_6{X: fixed.Int26_6(x * 64), Y: fixed.Int26_6(y * 64)}}
	switch {
	case slices.Contains(classes, "e"):
		d.Dot.X -= width
	case slices.Contains(classes, "c"):
		d.Dot.X -= width / 2
	}
	for _, r := range runs {
		d.Face = r.face
		d.DrawString(r.text)
	}
}
