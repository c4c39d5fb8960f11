package web

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"github.com/beforehand-go/beforehand/internal/language"
)

// List writes a hot list in a language as a fragment of HTML to put into any page: a list
// without styles or scripts, whose classes begin with beforehand-.
func List(w io.Writer, l language.Language, items []Item) error {
	v := &view{Data: Data{Items: items}, pen: newPen(l, time.Time{}, nil)}
	var b bytes.Buffer
	if err := page.ExecuteTemplate(&b, "list.html", v); err != nil {
		return fmt.Errorf("render list: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}
