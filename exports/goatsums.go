package exports

import (
	"archive/zip"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"golang.org/x/text/language"
)

// goatLine is a line of any file of GoatCounter's export of sums. A page, a
// referrer, a browser and a system have a number, by which the sums name them.
type goatLine struct {
	ID      int64  `json:"id"`
	Path    string `json:"path"`
	Title   string `json:"title"`
	Event   bool   `json:"event"`
	Ref     string `json:"ref"`
	Scheme  string `json:"ref_scheme"`
	Name    string `json:"name"`
	Version string `json:"export_version"`

	Hour     string `json:"hour"`
	Day      string `json:"day"`
	PathID   int64  `json:"path_id"`
	RefID    int64  `json:"ref_id"`
	Browser  int64  `json:"browser_id"`
	System   int64  `json:"system_id"`
	Location string `json:"location"`
	Width    int    `json:"width"`
	Language string `json:"language"`
	Count    int64  `json:"count"`
}

const (
	// maxNames is how long a file of GoatCounter's may be in bytes that is held in
	// memory whole.
	maxNames = 256 << 20
	// maxDayRows is how many sums of a day are held.
	maxDayRows = 1_000_000
)

// goatSums reads GoatCounter's export of sums, a zip of files with a line of
// JSON each: how often a page was seen in an hour by referrer, and on a day by
// browser, system, country, language and width of the screen. It makes
// pageviews that give the same sums.
func (r *run) goatSums(files map[string]*zip.File) reader {
	return func(_ context.Context, emit func(item) error) error {
		s := &goatSums{run: r, files: files, emit: emit}
		defer s.close()
		return s.read()
	}
}

// goatSums is an export of sums that is being read.
type goatSums struct {
	*run
	files map[string]*zip.File
	emit  func(item) error
	open  []io.Closer

	paths, refs, browsers, systems map[int64]goatLine
	shares                         struct{ browsers, systems, locations, languages, widths *shares }
	day                            string
}

func (s *goatSums) close() {
	for _, c := range s.open {
		c.Close()
	}
}

func (s *goatSums) read() (err error) {
	for name, to := range map[string]*map[int64]goatLine{
		"paths": &s.paths, "refs": &s.refs, "browsers": &s.browsers, "systems": &s.systems,
	} {
		if *to, err = s.names(name); err != nil {
			return err
		}
	}
	for name, to := range map[string]**shares{
		"browser_stats": &s.shares.browsers, "system_stats": &s.shares.systems, "location_stats": &s.shares.locations,
		"language_stats": &s.shares.languages, "size_stats": &s.shares.widths,
	} {
		lines, err := s.lines(name, maxUnpacked)
		if err != nil {
			return err
		}
		*to = &shares{lines: lines}
	}
	hits, err := s.lines("hit_stats", maxUnpacked)
	if err != nil {
		return err
	}
	s.totals.what = sumPageviews
	for {
		v, err := hits.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = s.row(v, hits)
		}
		if err != nil {
			return err
		}
	}
}

// row makes the pageviews of a page in an hour.
func (s *goatSums) row(v goatLine, in *jsonLines) error {
	broken := func(why string) error { return s.emit(item{broken: why, file: in.name, line: in.n}) }
	at, err := time.Parse(time.RFC3339, v.Hour)
	page, known := s.paths[v.PathID]
	switch {
	case err != nil:
		return broken("hour: not a time such as 2024-01-31T10:00:00Z")
	case !known:
		return broken("path_id: no such page in paths.jsonl")
	case v.Count < 0 || v.Count >= maxADay:
		return broken("count: not a number of pageviews")
	}
	if day := at.UTC().Format(time.DateOnly); day != s.day {
		s.day = day
		for _, of := range []*shares{s.shares.browsers, s.shares.systems, s.shares.locations, s.shares.languages, s.shares.widths} {
			if err := of.turn(day); err != nil {
				return err
			}
		}
	}
	if !page.Event {
		s.totals.file += v.Count
	}
	for range v.Count {
		i := item{left: LeftEvent}
		if !page.Event {
			i = item{seen: s.seen(at, page, s.refs[v.RefID])}
		}
		i.file, i.line = in.name, in.n
		if err := s.emit(i); err != nil {
			return err
		}
	}
	return nil
}

// seen is one pageview of a page. It has the next share of each sum of the day.
func (s *goatSums) seen(at time.Time, page, ref goatLine) *collect.Seen {
	seen := &collect.Seen{At: at, URL: page.Path, Title: page.Title, NoAgent: true}
	if !strings.HasPrefix(seen.URL, "/") {
		seen.URL = "/" + seen.URL
	}
	seen.Referrer = goatReferrer(ref.Ref, ref.Scheme, seen)
	seen.Told.Browser = s.browsers[s.shares.browsers.take(page.ID).Browser].Name
	seen.Told.System = s.systems[s.shares.systems.take(page.ID).System].Name
	seen.Country, _, _ = strings.Cut(s.shares.locations.take(page.ID).Location, "-") // US-TX
	if base, err := language.ParseBase(s.shares.languages.take(page.ID).Language); err == nil {
		seen.Language = base.String() // en of eng
	}
	seen.Width = s.shares.widths.take(page.ID).Width
	return seen
}

// names reads a file of what is named by numbers.
func (s *goatSums) names(file string) (map[int64]goatLine, error) {
	lines, err := s.lines(file, maxNames)
	if err != nil {
		return nil, err
	}
	all := map[int64]goatLine{}
	for {
		v, err := lines.next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all[v.ID] = v
	}
}

func (s *goatSums) lines(file string, most int64) (*jsonLines, error) {
	f := s.files[file]
	if f == nil {
		return nil, fmt.Errorf("it has no %s.jsonl", file)
	}
	data, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%.100q: %w", f.Name, err)
	}
	s.open = append(s.open, data)
	b := &bound{r: data, left: most, err: fmt.Errorf("%s.jsonl is larger than %d MiB", file, most>>20)}
	one := &bound{r: b, err: fmt.Errorf("%s.jsonl: a line is longer than %d bytes", file, maxRow)}
	return &jsonLines{name: file + ".jsonl", one: one, json: json.NewDecoder(one)}, nil
}

// jsonLines reads a file with one object a line.
type jsonLines struct {
	name string
	one  *bound // a line
	json *json.Decoder
	n    int64 // lines so far
}

func (l *jsonLines) next() (v goatLine, err error) {
	l.one.left = maxRow
	l.n++
	if err = l.json.Decode(&v); err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%s: line %d: %w", l.name, l.n, err)
	}
	return v, err
}

// shares are the sums of a day by one dimension, which are handed out page by
// page. Which browser goes with which country nobody knows, but each has its
// sum on each page.
type shares struct {
	lines *jsonLines
	next  *goatLine // read, and of a later day
	ended bool
	left  map[int64][]goatLine // by page
}

// turn goes on to a day. The lines are in the order of days.
func (s *shares) turn(day string) error {
	s.left = map[int64][]goatLine{}
	for n := 0; ; n++ {
		if s.next == nil && !s.ended {
			v, err := s.lines.next()
			if s.ended = errors.Is(err, io.EOF); err != nil && !s.ended {
				return err
			}
			s.next = &v
		}
		switch {
		case s.ended, s.next.Day > day:
			return nil
		case n == maxDayRows:
			return fmt.Errorf("%s: line %d: more than %d sums of a day", s.lines.name, s.lines.n, maxDayRows)
		case s.next.Day == day && s.next.Count > 0:
			s.left[s.next.PathID] = append(s.left[s.next.PathID], *s.next)
		}
		s.next = nil
	}
}

// take hands out one share of a page; nothing where there is none left.
func (s *shares) take(page int64) (v goatLine) {
	of := s.left[page]
	if len(of) == 0 {
		return v
	}
	v = of[0]
	if of[0].Count--; of[0].Count == 0 {
		s.left[page] = of[1:]
	}
	return v
}

// goatVersion refuses an export of sums that is of another kind than the one
// that is known.
func goatVersion(info *zip.File) error {
	if info == nil {
		return nil
	}
	data, err := info.Open()
	if err != nil {
		return err
	}
	defer data.Close()
	var v goatLine
	if err := json.NewDecoder(io.LimitReader(data, maxRow)).Decode(&v); err != nil {
		return fmt.Errorf("info.json: %w", err)
	}
	if major, _, _ := strings.Cut(cmp.Or(v.Version, "1"), "."); major != "1" {
		return fmt.Errorf("info.json: it is of version %.20q of GoatCounter's export, and 1 is known", v.Version)
	}
	return nil
}
