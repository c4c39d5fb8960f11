package exports

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// sheet reads rows of CSV by the names of their columns.
type sheet struct {
	name    string
	csv     *csv.Reader
	bound   *bound
	header  []string
	columns map[string]int
	row     []string
	line    int64
}

// openSheet reads the header. Text in UTF-16 is read as well.
func openSheet(name string, r io.Reader) (*sheet, error) {
	b := bufio.NewReader(r)
	var text io.Reader = b
	if mark, _ := b.Peek(3); bytes.HasPrefix(mark, []byte("\xff\xfe")) || bytes.HasPrefix(mark, []byte("\xfe\xff")) || bytes.HasPrefix(mark, []byte("\xef\xbb\xbf")) {
		text = transform.NewReader(b, unicode.BOMOverride(unicode.UTF8.NewDecoder()))
	}
	s := &sheet{name: name, bound: &bound{r: text, left: maxRow, err: fmt.Errorf("a row is longer than %d bytes", maxRow)}, columns: map[string]int{}}
	s.csv = csv.NewReader(s.bound)
	s.csv.FieldsPerRecord, s.csv.ReuseRecord = -1, true
	header, err := s.csv.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: read the header: %w", name, err)
	}
	for i, c := range header {
		s.header = append(s.header, strings.Clone(c))
		s.columns[s.header[i]] = i
	}
	return s, nil
}

// need refuses a sheet that lacks a column.
func (s *sheet) need(columns ...string) error {
	for _, c := range columns {
		if _, ok := s.columns[c]; !ok {
			return fmt.Errorf("%s: no column %q: it has %.500s", s.name, c, strings.Join(s.header, ", "))
		}
	}
	return nil
}

// next reads a row. One that cannot be read gives what is wrong with it.
func (s *sheet) next() (broken string, err error) {
	s.bound.left = maxRow + 4096 // what the reader reads ahead
	s.row, err = s.csv.Read()
	var bad *csv.ParseError
	if errors.As(err, &bad) {
		s.line = int64(bad.StartLine)
		return fmt.Sprintf("column %d: %v", bad.Column, bad.Err), nil
	}
	if err != nil {
		if !errors.Is(err, io.EOF) {
			err = fmt.Errorf("%s: after line %d: %w", s.name, s.line, err)
		}
		return "", err
	}
	line, _ := s.csv.FieldPos(0)
	s.line = int64(line)
	if len(s.row) != len(s.header) {
		return fmt.Sprintf("%d fields, the header has %d", len(s.row), len(s.header)), nil
	}
	return "", nil
}

// get is a field of the row; empty where there is no such column.
func (s *sheet) get(column string) string {
	if i, ok := s.columns[column]; ok && i < len(s.row) {
		return s.row[i]
	}
	return ""
}

// has tells whether there is a column.
func (s *sheet) has(column string) bool { return slices.Contains(s.header, column) }

// each hands every row on, with what read makes of it.
func (s *sheet) each(emit func(item) error, read func() item) error {
	return s.rows(emit, func() (string, error) {
		i := read()
		i.file, i.line = s.name, s.line
		return "", emit(i)
	})
}

// rows calls read for each row that is whole. A row that is not, or of which read
// tells what is broken, is emitted as such.
func (s *sheet) rows(emit func(item) error, read func() (broken string, err error)) error {
	for {
		broken, err := s.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && broken == "" {
			broken, err = read()
		}
		if err == nil && broken != "" {
			err = emit(item{broken: broken, file: s.name, line: s.line})
		}
		if err != nil {
			return err
		}
	}
}
