package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"time"
)

//go:embed templates
var templates embed.FS

var page = template.Must(template.ParseFS(templates, "templates/*.html"))

// Page writes the site's page, whose every number was computed beforehand.
func Page(w io.Writer, d Data) error { return render(w, d, false) }

// Live writes the same page for numbers that were computed while its reader
// waited, and says so.
func Live(w io.Writer, d Data) error { return render(w, d, true) }

func render(w io.Writer, d Data, live bool) error {
	if d.Zone == nil {
		d.Zone = time.UTC
	}
	if d.Title == "" {
		d.Title = d.Site
	}
	if d.Import == "" {
		d.Import = "beforehand import access.log"
	}
	v := &view{Data: d, IsLive: live, pen: newPen(d.Language, d.Now, d.Zone)}
	var b bytes.Buffer
	if err := page.ExecuteTemplate(&b, "page.html", v); err != nil {
		return fmt.Errorf("render page of %s: %w", d.Site, err)
	}
	_, err := w.Write(b.Bytes())
	return err
}
