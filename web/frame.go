package web

import (
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/chart"
	"github.com/beforehand-go/beforehand/internal/language"
)

// ElementsPath is where [Elements] is to be mounted: pages name it.
const ElementsPath = "/w/widgets.js"

// Elements serves the script with the elements that pages elsewhere show a list
// and counts by. A page has it for an hour without asking again.
func Elements() http.Handler {
	f := assets()["widgets.js"]
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*") // for <script crossorigin>
		h.Set("Cache-Control", "public, max-age=3600")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		f.ServeHTTP(w, r)
	})
}

// Frame is a hot list as a page of its own, for a frame in a page elsewhere.
type Frame struct {
	Language language.Language
	Theme    chart.Theme
	Title    string // for people; zero means "Hot articles"
	Items    []Item
}

// FrameRow is the height of a row of a frame's list in CSS pixels, and FrameEdge
// what is above and below the list together.
const (
	FrameRow  = 32
	FrameEdge = 8
)

// FramePolicy is the Content-Security-Policy to send with a frame. Ancestors are
// the origins whose pages may show it besides the server's own; none means every
// origin.
func FramePolicy(ancestors []string) string {
	allowed := "*"
	if len(ancestors) > 0 {
		allowed = "'self' " + strings.Join(ancestors, " ")
	}
	return "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors " + allowed
}

// WriteFrame writes it.
func WriteFrame(w io.Writer, f Frame) error {
	return execute(w, "frame.html", &frameView{Frame: f, view: view{pen: newPen(f.Language, time.Time{}, nil)}})
}

// frameView is what the template of a frame sees.
type frameView struct {
	Frame
	view
}

// Heading is the list's name.
func (v *frameView) Heading() string {
	if v.Title != "" {
		return v.Title
	}
	return v.words["hot_heading"]
}
