package tables

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/beforehand-go/beforehand/database"
)

// field makes one part of a pageview from a row.
type field struct {
	columns []string // whose values come between the texts
	index   []int    // their numbers in a row
	texts   []string // one more than columns; empty for a part that is not told
	bare    bool     // it is one column and nothing else
	address bool     // values become part of an address
}

// parseField reads a field of Columns.
func parseField(text string, address bool) (field, error) {
	f := field{address: address}
	constant, is := strings.CutPrefix(text, "=")
	switch {
	case text == "":
		return f, nil
	case is:
		f.texts = []string{constant}
		return f, nil
	case !strings.ContainsAny(text, "{}"):
		f.columns, f.texts, f.bare = []string{text}, []string{"", ""}, true
	default:
		rest := text
		for {
			before, after, found := strings.Cut(rest, "{")
			f.texts = append(f.texts, before)
			if !found {
				break
			}
			name, after, found := strings.Cut(after, "}")
			if !found {
				return f, fmt.Errorf("columns: %q: a brace is not closed", text)
			}
			f.columns = append(f.columns, name)
			rest = after
		}
	}
	for _, name := range f.columns {
		if err := database.CheckName(name); err != nil {
			return f, fmt.Errorf("columns: %w; a constant begins with =", err)
		}
	}
	return f, nil
}

// none tells whether the table does not tell this part.
func (f *field) none() bool { return len(f.texts) == 0 }

// of is the field's text in a row; false when a column of it is NULL.
func (f *field) of(r *row) (string, bool) {
	if f.bare {
		return text(r.values[f.index[0]])
	}
	var b strings.Builder
	for i, t := range f.texts {
		b.WriteString(t)
		if i == len(f.columns) {
			break
		}
		v, ok := text(r.values[f.index[i]])
		if !ok {
			return "", false
		}
		if f.address {
			v = (&url.URL{Path: v}).EscapedPath()
		}
		b.WriteString(v)
	}
	return b.String(), true
}

// row is a row as it was read: a value for each name of the plan.
type row struct {
	values []any
}
