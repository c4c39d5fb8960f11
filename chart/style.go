package chart

import (
	_ "embed" // for CSS

	"github.com/beforehand-go/beforehand/internal/number"
)

// CSS is the style sheet of every picture. One that stands alone carries it; a
// page that places pictures with Inline serves it in a sheet of its own.
//
//go:embed chart.css
var CSS string

// Policy is that of a picture in the colours that its reader prefers; see
// [Theme.Policy].
func Policy() string { return Auto.Policy() }

// Words are the words a picture adds to its data. The zero value is English.
type Words struct {
	Other string // what is drawn together; zero means "other"
	New   string // a row that was not on the list before; zero means "new"
	Empty string // shown when there is nothing to draw; zero means "No data yet"

	// Number writes a value short; nil means with a unit: 1.23k, 97.2M.
	Number func(float64) string
}

func (w Words) orEnglish() Words {
	if w.Other == "" {
		w.Other = "other"
	}
	if w.New == "" {
		w.New = "new"
	}
	if w.Empty == "" {
		w.Empty = "No data yet"
	}
	if w.Number == nil {
		w.Number = number.Compact
	}
	return w
}
