package beforehand

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
)

// table is a result as rows of text, for CSV, HTML and Markdown.
type table struct {
	Title  string
	Header []string
	Rows   [][]string
}

// tabulate reads JSON as a table. A list of objects has a column for each
// member in order of appearance; a list of anything else one column, "value".
// An object whose only list of objects is one member is that list; any other
// has a row for each member.
func tabulate(doc []byte) (table, error) {
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	v, err := ordered(d)
	if err != nil {
		return table{}, fmt.Errorf("read json as a table: %w", err)
	}
	switch v := v.(type) {
	case []any:
		return ofList(v), nil
	case object:
		var list []any
		lists := 0
		for _, m := range v {
			if l, ok := m.value.([]any); ok && len(l) > 0 {
				if _, ok := l[0].(object); ok {
					list, lists = l, lists+1
				}
			}
		}
		if lists == 1 {
			return ofList(list), nil
		}
		t := table{Header: []string{"name", "value"}}
		for _, m := range v {
			t.Rows = append(t.Rows, []string{m.name, cell(m.value)})
		}
		return t, nil
	}
	return ofList([]any{v}), nil
}

func ofList(list []any) table {
	var t table
	for _, v := range list {
		o, ok := v.(object)
		if !ok {
			o = object{{"value", v}}
		}
		row := make([]string, len(t.Header))
		for _, m := range o {
			i := slices.Index(t.Header, m.name)
			if i < 0 {
				i = len(t.Header)
				t.Header, row = append(t.Header, m.name), append(row, "")
			}
			row[i] = cell(m.value)
		}
		t.Rows = append(t.Rows, row)
	}
	for i := range t.Rows {
		for len(t.Rows[i]) < len(t.Header) {
			t.Rows[i] = append(t.Rows[i], "")
		}
	}
	return t
}

// object is a JSON object in the order in which it is written.
type object []field

type field struct {
	name  string
	value any
}

// MarshalJSON writes the object back in its order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// ordered decodes a JSON value; objects keep their order.
func ordered(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := ordered(d)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	case json.Delim('{'):
		o := object{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			s, ok := name.(string)
			if !ok {
				return nil, errors.New("a member without a name")
			}
			v, err := ordered(d)
			if err != nil {
				return nil, err
			}
			o = append(o, field{s, v})
		}
		_, err = d.Token()
		return o, err
	}
	return token, nil
}

// cell writes a value as one cell: text as it is, lists and objects as JSON.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// csv writes the table by RFC 4180. A text that a spreadsheet would take for a
// formula gets an apostrophe before it; numbers stay as they are.
func (t table) csv(w io.Writer) error {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	row := make([]string, 0, len(t.Header))
	for _, r := range append([][]string{t.Header}, t.Rows...) {
		row = row[:0]
		for _, s := range r {
			if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) && !json.Valid([]byte(s)) {
				s = "'" + s
			}
			row = append(row, s)
		}
		if len(row) == 1 && row[0] == "" { // an empty line would be no row
			c.Flush()
			if _, err := io.WriteString(w, `""`+"\r\n"); err != nil {
				return err
			}
			continue
		}
		if err := c.Write(row); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// readCSV reads the table that CSV is, in which a record may be short.
func readCSV(body []byte) (table, error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))))
	r.FieldsPerRecord = -1
	records, err := r.ReadAll()
	if err != nil {
		return table{}, fmt.Errorf("read csv as a table: %w", err)
	}
	if len(records) == 0 {
		return table{}, errors.New("read csv as a table: there is no line")
	}
	t := table{Header: records[0], Rows: records[1:]}
	for i, row := range t.Rows {
		for len(row) < len(t.Header) {
			row = append(row, "")
		}
		t.Rows[i] = row
	}
	return t, nil
}

// markdown writes the table as Markdown has it in GitHub's and most others'
// flavour. Whatever Markdown or HTML would take for its own is escaped.
func (t table) markdown(w io.Writer) error {
	var b strings.Builder
	line := func(cells []string) {
		b.WriteByte('|')
		for _, c := range cells {
			b.WriteString(" " + plainMarkdown(c) + " |")
		}
		b.WriteByte('\n')
	}
	if len(t.Header) > 0 {
		line(t.Header)
		b.WriteString("|" + strings.Repeat(" --- |", len(t.Header)) + "\n")
	}
	for _, row := range t.Rows {
		line(row)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// plainMarkdown keeps text from being anything else.
func plainMarkdown(s string) string {
	if json.Valid([]byte(s)) && strings.Trim(s, "0123456789.-+eE") == "" {
		return s // a number
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n', r == '\r', r == '\t':
			r = ' '
		case r == '<':
			b.WriteString("&lt;")
			continue
		case r == '&':
			b.WriteString("&amp;")
			continue
		case strings.ContainsRune("\\`*_{}[]()#!|~>$:@", r), r == '.' && strings.HasSuffix(strings.ToLower(b.String()), "www"):
			b.WriteByte('\\') // what would be a link, too
		}
		b.WriteRune(r)
	}
	return b.String()
}

func (t table) html(w io.Writer) error {
	page, err := template.New("table").Parse(tablePage)
	if err != nil {
		return err
	}
	return page.Execute(w, t)
}

const tablePage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{.Title}}</title>
<style>
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;margin:1rem}
table{border-collapse:collapse}
caption{text-align:start;font-weight:600}
th,td{text-align:start;padding:.25rem .75rem .25rem 0;border-bottom:1px solid color-mix(in srgb,currentColor 20%,transparent)}
</style>
<table>
<caption>{{.Title}}</caption>
<thead><tr>{{range .Header}}<th scope="col">{{.}}</th>{{end}}</tr></thead>
<tbody>{{range .Rows}}
<tr>{{range .}}<td>{{.}}</td>{{end}}</tr>{{end}}
</tbody>
</table>
</html>
`
