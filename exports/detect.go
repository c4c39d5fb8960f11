package exports

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// Programs are those whose exports are read.
var Programs = []string{"goatcounter", "plausible", "umami", "matomo"}

// reader reads an export and hands on its rows.
type reader func(ctx context.Context, emit func(item) error) error

// Detect tells from the first bytes of a file whose export it may be; empty
// means nobody's that is known. A packed file is told by its content only, so
// of a zip it says "zip".
func Detect(head []byte) string {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \r\n\t")
	line, _, _ := bytes.Cut(head, []byte("\n"))
	first, _, _ := strings.Cut(string(line), ",")
	plain := strings.NewReplacer("\x00", "", `"`, "").Replace(string(line)) // without what UTF-16 and quoting add
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return "zip"
	case len(first) == len("2Path") && first[0] >= '0' && first[0] <= '9' && first[1:] == "Path":
		return "goatcounter"
	case strings.Contains(plain, "url_path") && strings.Contains(plain, "session_id"):
		return "umami"
	case strings.Contains(plain, "idVisit") && strings.Contains(plain, "actionDetails"),
		bytes.HasPrefix(head, []byte("[")) && bytes.Contains(head, []byte(`"idVisit"`)):
		return "matomo"
	case strings.HasPrefix(plain, "date,") && strings.Contains(plain, "pageviews"):
		return "plausible"
	}
	return ""
}

// Sniff tells, without reading on, whether a file may be an export, packed with
// gzip or not. The reader's buffer must hold 64 kB.
func Sniff(r *bufio.Reader) bool {
	head, _ := r.Peek(64 << 10) // a file may be shorter
	if bytes.HasPrefix(head, []byte("\x1f\x8b")) {
		z, err := gzip.NewReader(bytes.NewReader(head))
		if err != nil {
			return false
		}
		plain := make([]byte, 64<<10)
		n, _ := io.ReadFull(z, plain) // what there is of it
		head = plain[:n]
	}
	return Detect(head) != ""
}

// open finds out what a file is.
func (r *run) open(s *spooled) (reader, error) {
	program := r.file.Program
	if program != "" && !slices.Contains(Programs, program) {
		return nil, fmt.Errorf("unknown program %q: allowed are %s", program, strings.Join(Programs, ", "))
	}
	data, err := s.unpacked()
	if err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(data, 64<<10)
	head, err := in.Peek(64 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	found := Detect(head)
	if found == "zip" {
		return r.openZip(s, program)
	}
	if program == "" {
		program = found
	}
	r.program = program
	switch {
	case program == "":
		return nil, fmt.Errorf("it is no export that is known: allowed are those of %s; docs/importing-from-others.md says which files", strings.Join(Programs, ", "))
	case program == "plausible":
		return nil, errors.New("it is one file of an export of Plausible: import the whole zip")
	case program == "matomo" && !bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \r\n\t"), []byte("[")):
		return r.matomoCSV(in), nil
	case program == "matomo":
		return r.matomoJSON(in), nil
	case program == "umami":
		return r.umami(r.file.Name, in), nil
	}
	return r.goatCounter(in), nil
}

// openZip finds out what a zip is by the names of its files, of which the
// folders do not matter. Nothing is ever unpacked to disk.
func (r *run) openZip(s *spooled, program string) (reader, error) {
	z, err := zip.NewReader(s.file, s.size)
	if err != nil {
		return nil, err
	}
	files := map[string]*zip.File{}
	for _, f := range z.File {
		name := path.Base(strings.ReplaceAll(f.Name, `\`, "/"))
		if name, ok := knownFile(name); ok && !f.FileInfo().IsDir() {
			if files[name] != nil {
				return nil, fmt.Errorf("it has two files %s", name)
			}
			files[name] = f
		}
	}
	is := func(which string) bool { return program == "" || program == which }
	switch {
	case files["imported_pages"] != nil && is("plausible"):
		if files["imported_visitors"] == nil {
			return nil, errors.New("it has no imported_visitors.csv, which tells the visitors of each day")
		}
		r.program = "plausible"
		return r.plausible(files["imported_pages"], files["imported_visitors"]), nil
	case files["website_event"] != nil && is("umami"):
		r.program = "umami"
		return r.umamiZip(files["website_event"]), nil
	case files["hit_stats"] != nil && is("goatcounter"):
		r.program = "goatcounter"
		return r.goatSums(files), goatVersion(files["info"])
	case files["pages"] != nil && files["visitors"] != nil && is("plausible"):
		r.program = "plausible"
		return r.sums(files["pages"]), r.needDay("the zip of the site's settings has the days")
	case files["pages"] != nil && is("umami"):
		r.program = "umami"
		return r.sums(files["pages"]), r.needDay("the table website_event has all of it")
	}
	return nil, fmt.Errorf("the zip has none of the files that are read: imported_pages.csv and imported_visitors.csv of Plausible, website_event.csv of Umami, hit_stats.jsonl of GoatCounter")
}

// needDay refuses sums without days, unless it was said to which day they go.
func (r *run) needDay(better string) error {
	if r.file.Day.IsZero() {
		return fmt.Errorf("it is what the button of a page exports: sums without days; %s, or name the day to put them on with --day", better)
	}
	return nil
}

// knownFile is the name of a file in a zip without its ending and what an export
// appends to it.
func knownFile(name string) (string, bool) {
	if name, ok := strings.CutSuffix(name, ".jsonl"); ok {
		return name, slices.Contains([]string{
			"paths", "refs", "browsers", "systems", "hit_stats", "browser_stats", "system_stats", "location_stats", "language_stats", "size_stats",
		}, name)
	}
	if name == "info.json" {
		return "info", true
	}
	name, ok := strings.CutSuffix(name, ".csv")
	for _, known := range []string{"imported_pages", "imported_visitors", "website_event", "pages", "visitors"} {
		if name == known || strings.HasPrefix(name, known+"_2") { // imported_pages_20240101_20240131
			return known, ok
		}
	}
	return "", false
}

// inZip opens the sheet of a file in a zip.
func inZip(f *zip.File) (*sheet, io.Closer, error) {
	data, err := f.Open()
	if err != nil {
		return nil, nil, fmt.Errorf("%.100q: %w", f.Name, err)
	}
	s, err := openSheet(path.Base(f.Name), bounded(data))
	if err != nil {
		data.Close()
		return nil, nil, err
	}
	return s, data, nil
}
