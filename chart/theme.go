package chart

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
)

// Theme says whose colours a picture's file has: those that its reader prefers,
// or always the same.
type Theme string

// The themes.
const (
	Auto  Theme = "auto"
	Light Theme = "light"
	Dark  Theme = "dark"
)

// Themes lists all of them.
func Themes() []Theme { return []Theme{Auto, Light, Dark} }

// Known tells whether there is such a theme.
func (t Theme) Known() bool { return slices.Contains(Themes(), t) }

// css is the style sheet of a theme: [CSS] without the question which colours
// the reader prefers.
func (t Theme) css() string {
	const asks = "@media(prefers-color-scheme:dark){"
	before, rest, _ := strings.Cut(CSS, asks)
	dark, after, _ := strings.Cut(rest, "}}\n")
	switch t {
	case Light:
		return before + after
	case Dark:
		return before + dark + "}\n" + after
	}
	return CSS
}

// Policy is the Content-Security-Policy to send with a picture's file: nothing
// but its own style sheet, known by its hash.
func (t Theme) Policy() string {
	sum := sha256.Sum256([]byte(t.css()))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Paint gives the file of a picture the colours of a theme. It tells whether the
// file is one that this package wrote: another is left as it is.
func (t Theme) Paint(svg []byte) ([]byte, bool) {
	if !bytes.Contains(svg, []byte(CSS)) {
		return svg, false
	}
	return bytes.Replace(svg, []byte(CSS), []byte(t.css()), 1), true
}
