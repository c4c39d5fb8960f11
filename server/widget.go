package server

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
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

// variant is one form of a widget. They are few, so that all are made beforehand.
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

// widget is a report as it is shown on pages elsewhere: every variant finished
// beforehand, and swapped when the report has a new snapshot.
type widget struct {
	name   string
	report reader
	list   *hotList // nil where the report is none

	served atomic.Pointer[map[variant]*snapshot.Served]

	// Only Run knows the rest: what the variants were made of.
	version int64
	state   snapshot.State
	files   map[variant][]snapshot.File
}

// addWidget makes the widget of a report of the site.
func (v *site) addWidget(name string) {
	if v.widgets == nil {
		v.widgets = map[string]*widget{}
	}
	v.widgets[name] = &widget{name: name, report: v.find(name), list: v.list(name)}
}

// keepWidgets makes the variants anew of what changed.
func (v *site) keepWidgets(ctx context.Context) {
	for _, w := range v.widgets {
		if err := w.keep(ctx, v); err != nil {
			v.server.Logger.Error("make widget", "site", v.Name, "report", w.name, "error", err)
		}
	}
}

func (w *widget) keep(ctx context.Context, v *site) error {
	st := w.report.Status()
	state := snapshot.State{NextAt: st.NextAt, Usual: st.Usual, RunningSince: st.RunningSince, Stale: st.Stale}
	if st.Version == 0 || st.Version == w.version && state == w.state {
		return nil
	}
	if st.Version != w.version {
		files, err := w.build(ctx, v, st)
		if err != nil {
			return err
		}
		w.files = files
	}
	served := make(map[variant]*snapshot.Served, len(w.files))
	for of, files := range w.files {
		served[of] = snapshot.Prepare(snapshot.Snapshot{Version: st.Version, Files: files, ComputedAt: st.ComputedAt, Tick: st.Tick, Took: st.Took}, state, v.rules(of))
	}
	w.version, w.state = st.Version, state
	w.served.Store(&served)
	return nil
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

// build makes every variant of a snapshot.
func (w *widget) build(ctx context.Context, v *site, st beforehand.Status) (map[variant][]snapshot.File, error) {
	all := map[variant][]snapshot.File{}
	put := func(of variant, format string, body []byte) error {
		files, err := snapshot.Build([]snapshot.Format{{Name: format, Body: body}}, []snapshot.Encoder{snapshot.Gzip()}, w.files[of], time.Now())
		all[of] = files
		return err
	}
	if st.Bytes("svg") > 0 {
		svg, err := bytesOf(ctx, w.report, w.name, "svg")
		if err != nil {
			return nil, err
		}
		for _, theme := range chart.Themes() {
			if painted, ours := theme.Paint(svg); ours {
				if err := put(variant{file: chartFile, theme: theme}, "svg", painted); err != nil {
					return nil, err
				}
			}
		}
	}
	if w.list == nil {
		return all, nil
	}
	list := items(w.list.Current().Value)
	for _, l := range language.All() {
		for _, limit := range widgetLimits {
			if limit >= len(list) && limit > 0 {
				continue // the whole list is the same
			}
			if err := w.buildList(l, limit, list, put); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// buildList makes the frames and the fragment of a list in a language, with at
// most so many rows.
func (w *widget) buildList(l language.Language, limit int, list []web.Item, put func(variant, string, []byte) error) error {
	if limit > 0 {
		list = list[:limit]
	}
	var b bytes.Buffer
	if err := web.List(&b, l, list); err != nil {
		return err
	}
	if err := put(variant{file: fragmentFile, language: l, limit: limit}, "html", b.Bytes()); err != nil {
		return err
	}
	f := web.Frame{Language: l, Items: list}
	if w.list.named {
		f.Title = w.list.Title
	}
	for _, f.Theme = range chart.Themes() {
		var b bytes.Buffer
		if err := web.WriteFrame(&b, f); err != nil {
			return err
		}
		if err := put(variant{file: frameFile, language: l, theme: f.Theme, limit: limit}, "html", b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// find is a variant that is ready, or nil. One with at least as many rows as the
// list has is the whole list.
func (w *widget) find(of variant) *snapshot.Served {
	served := w.served.Load()
	if served == nil {
		return nil
	}
	if s := (*served)[of]; s != nil {
		return s
	}
	of.limit = 0
	return (*served)[of]
}

// serveWidget serves /w/SITE/REPORT/FILE.
func (s *Server) serveWidget(w http.ResponseWriter, r *http.Request) {
	v := s.named(r.PathValue("site"))
	if v == nil || v.widgets[r.PathValue("report")] == nil {
		http.NotFound(w, r)
		return
	}
	of, ok := readVariant(r.PathValue("file"), r.URL.Query(), s.Language)
	if !ok {
		http.Error(w, "no such widget; the page /widgets/"+url.PathEscape(v.Name)+" has those that there are", http.StatusNotFound)
		return
	}
	shown := v.widgets[r.PathValue("report")]
	served := shown.find(of)
	switch {
	case served == nil && shown.served.Load() == nil && (of.file == chartFile || shown.list != nil):
		served = snapshot.Prepare(snapshot.Snapshot{}, snapshot.State{}, snapshot.Rules{Origins: []string{"*"}}) // not computed yet
	case served == nil:
		http.NotFound(w, r)
		return
	}
	v.looked(shown.name)
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	served.ServeHTTP(w, r)
}
