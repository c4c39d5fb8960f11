package server

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/chart"
	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/snapshot"
	"github.com/beforehand-go/beforehand/web"
)

// The files of widgets, as their URLs name them: /w/SITE/REPORT/FILE.
const (
	frameFile    = "frame.html"    // a hot list as a page, for a frame
	fragmentFile = "fragment.html" // a hot list as a part of a page
	chartFile    = "chart.svg"     // a picture
)

// widgetLimits are how many rows of a list a widget may have; zero is all.
var widgetLimits = [...]int{0, 3, 5, 10, 20}

// variant is one form of a widget. There are few of each.
type variant struct {
	file     string
	language language.Language // of frames and fragments
	theme    chart.Theme       // of frames and charts
	limit    int               // of frames and fragments; zero means every row
}

// readVariant reads a variant from a request, and tells whether it is one that
// there can be. What does not matter to the file is not looked at.
func readVariant(file string, q url.Values, otherwise language.Language) (variant, bool) {
	v := variant{file: file}
	if file != fragmentFile {
		v.theme = chart.Auto
		if q.Has("theme") {
			v.theme = chart.Theme(q.Get("theme"))
		}
		if !v.theme.Known() {
			return v, false
		}
	}
	if file == chartFile {
		return v, true
	}
	v.language = otherwise
	if q.Has("lang") && v.language.UnmarshalText([]byte(q.Get("lang"))) != nil {
		return v, false
	}
	if q.Has("limit") {
		n, err := strconv.Atoi(q.Get("limit"))
		if err != nil || n <= 0 || !slices.Contains(widgetLimits[:], n) {
			return v, false
		}
		v.limit = n
	}
	return v, file == frameFile || file == fragmentFile
}

// widget is a report as it is shown on pages elsewhere. Its variants are made of
// the report's result: one when somebody asks for it first, which takes no longer
// than rendering a list, and from then on with each new result beforehand, as long
// as it is read.
type widget struct {
	name   string
	report reader
	list   *hotList // nil where the report is none

	held atomic.Pointer[map[variant]*heldVariant] // never changed, but swapped

	mu      sync.Mutex // orders who makes variants; no reader of what is held takes it
	version int64      // of the result that they are made of
	state   snapshot.State
}

// heldVariant is a variant ready to be read.
type heldVariant struct {
	*snapshot.Served
	files []snapshot.File
	read  *atomic.Int64 // when it was last, in seconds since 1970
}

// widgetLasts is how long after having been read a variant is held.
const widgetLasts = 24 * time.Hour

// addWidget makes the widget of a report of the site.
func (v *site) addWidget(name string) {
	if v.widgets == nil {
		v.widgets = map[string]*widget{}
	}
	w := &widget{name: name, report: v.find(name), list: v.list(name)}
	w.held.Store(&map[variant]*heldVariant{})
	v.widgets[name] = w
}

// keepWidgets makes anew, beforehand, what changed.
func (v *site) keepWidgets(ctx context.Context) {
	for _, w := range v.widgets {
		if len(*w.held.Load()) == 0 {
			continue
		}
		if err := w.keep(ctx, v); err != nil {
			v.server.Logger.Error("make widget", "site", v.Name, "report", w.name, "error", err)
		}
	}
}

// keep brings what is held to the report's result and state, and lets go of what
// was not read for long.
func (w *widget) keep(ctx context.Context, v *site) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	st := w.report.Status()
	state := stateOf(st)
	if st.Version == w.version && state == w.state {
		return nil
	}
	next := map[variant]*heldVariant{}
	for of, h := range *w.held.Load() {
		if time.Since(time.Unix(h.read.Load(), 0)) > widgetLasts {
			continue
		}
		files := h.files
		if st.Version != w.version {
			var err error
			if files, err = w.build(ctx, of, h.files); err != nil {
				return err
			}
		}
		if files != nil {
			next[of] = v.hold(of, files, st, h.read)
		}
	}
	w.version, w.state = st.Version, state
	w.held.Store(&next)
	return nil
}

// make makes a variant that is not held. It returns nil where the report has no
// such.
func (w *widget) make(ctx context.Context, v *site, of variant) (*heldVariant, error) {
	if err := w.keep(ctx, v); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	held := *w.held.Load()
	if h := held[of]; h != nil {
		return h, nil
	}
	files, err := w.build(ctx, of, nil)
	if err != nil || files == nil {
		return nil, err
	}
	read := new(atomic.Int64)
	read.Store(time.Now().Unix())
	next := maps.Clone(held)
	next[of] = v.hold(of, files, w.report.Status(), read)
	w.held.Store(&next)
	return next[of], nil
}

func stateOf(st beforehand.Status) snapshot.State {
	return snapshot.State{NextAt: st.NextAt, Usual: st.Usual, RunningSince: st.RunningSince, Stale: st.Stale}
}

// hold makes a variant ready to be read.
func (v *site) hold(of variant, files []snapshot.File, st beforehand.Status, read *atomic.Int64) *heldVariant {
	s := snapshot.Snapshot{Version: st.Version, Files: files, ComputedAt: st.ComputedAt, Tick: st.Tick, Took: st.Took}
	return &heldVariant{snapshot.Prepare(s, stateOf(st), v.rules(of)), files, read}
}

// rules are the headers of a variant.
func (v *site) rules(of variant) snapshot.Rules {
	r := snapshot.Rules{Origins: []string{"*"}, MaxAge: v.Fresh}
	switch of.file {
	case frameFile:
		r.Policies = map[string]string{"html": web.FramePolicy(v.Frames)}
	case chartFile:
		r.Policies = map[string]string{"svg": of.theme.Policy()}
	}
	return r
}

// build makes the files of a variant, nil where the report has no such. Bytes that
// are those of the files before keep their instant of change.
func (w *widget) build(ctx context.Context, of variant, before []snapshot.File) ([]snapshot.File, error) {
	format, body, err := "html", []byte(nil), error(nil)
	if of.file == chartFile {
		format = "svg"
		body, err = w.paint(ctx, of.theme)
	} else if w.list != nil {
		body, err = w.write(of)
	}
	if err != nil || body == nil {
		return nil, err
	}
	return snapshot.Build([]snapshot.Format{{Name: format, Body: body}}, []snapshot.Encoder{snapshot.Gzip()}, before, time.Now())
}

// paint is the report's picture in the colours of a theme; nil where it has none
// of ours.
func (w *widget) paint(ctx context.Context, theme chart.Theme) ([]byte, error) {
	if w.report.Status().Bytes("svg") == 0 {
		return nil, nil
	}
	svg, err := bytesOf(ctx, w.report, w.name, "svg")
	if err != nil {
		return nil, err
	}
	painted, ours := theme.Paint(svg)
	if !ours {
		return nil, nil
	}
	return painted, nil
}

// write writes the list as a frame or a fragment.
func (w *widget) write(of variant) ([]byte, error) {
	list := items(w.list.Current().Value)
	if of.limit > 0 {
		list = list[:min(of.limit, len(list))]
	}
	var b bytes.Buffer
	if of.file == fragmentFile {
		err := web.List(&b, of.language, list)
		return b.Bytes(), err
	}
	f := web.Frame{Language: of.language, Theme: of.theme, Items: list}
	if w.list.named {
		f.Title = w.list.Title
	}
	err := web.WriteFrame(&b, f)
	return b.Bytes(), err
}

// serveWidget serves /w/SITE/REPORT/FILE.
func (s *Server) serveWidget(w http.ResponseWriter, r *http.Request) {
	v := s.named(r.PathValue("site"))
	if v == nil || v.widgets[r.PathValue("report")] == nil {
		http.NotFound(w, r)
		return
	}
	shown := v.widgets[r.PathValue("report")]
	of, ok := readVariant(r.PathValue("file"), r.URL.Query(), s.Language)
	if !ok || shown.list == nil && of.file != chartFile {
		http.Error(w, "no such widget; the page "+web.WidgetsPath+"/"+url.PathEscape(v.Name)+" has those that there are", http.StatusNotFound)
		return
	}
	v.looked(shown.name)
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	if of.file == chartFile && of.theme == chart.Auto || shown.report.Status().Version == 0 {
		shown.report.ServeHTTP(w, r) // it is what is asked for, or says that there is nothing yet
		return
	}
	held := (*shown.held.Load())[of]
	if held == nil {
		var err error
		if held, err = shown.make(r.Context(), v, of); err != nil {
			s.Logger.Error("make widget", "site", v.Name, "report", shown.name, "error", err)
			http.Error(w, "the widget could not be made; the server's log says why", http.StatusInternalServerError)
			return
		}
	}
	if held == nil {
		http.NotFound(w, r)
		return
	}
	held.read.Store(time.Now().Unix())
	held.ServeHTTP(w, r)
}
