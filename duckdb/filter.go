package duckdb

import (
	"fmt"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// filters is the condition that all of the query's filters hold.
func (b *builder) filters() string {
	return b.filtersOn(func(pageview.Dimension) bool { return true })
}

// filtersOn is the condition that the filters on some dimensions hold.
func (b *builder) filtersOn(some func(pageview.Dimension) bool) string {
	conditions := []string{"true"}
	for _, f := range b.q.Filters {
		if !some(f.Dimension) {
			continue
		}
		var either []string
		for _, v := range f.Values {
			either = append(either, b.matches(f.Dimension, v))
		}
		c := "(" + strings.Join(either, " OR ") + ")"
		if f.Not {
			c = "NOT " + c
		}
		conditions = append(conditions, c)
	}
	return strings.Join(conditions, " AND ")
}

// matches is the condition that a pageview has a value in a dimension. The
// value was checked.
func (b *builder) matches(d pageview.Dimension, value string) string {
	switch {
	case d == pageview.ByHour:
		at, _ := time.Parse(time.RFC3339, value)
		return fmt.Sprintf("%s = %d", b.hour, at.Unix())
	case d.Time():
		first, last, _ := d.Days(value)
		return fmt.Sprintf(`"day" BETWEEN %s AND %s`, date(first), date(last))
	case d == pageview.BySource:
		return b.text(sourceName("source"), value)
	}
	ids := "SELECT id FROM names WHERE " + b.text("name", value)
	if d == pageview.ByPage || d == pageview.ByEntry {
		ids = fmt.Sprintf("SELECT id FROM pages WHERE site = %s AND %s", b.site, b.text("path", value))
	}
	c := fmt.Sprintf("%s IN (%s)", column(d), ids)
	if strings.Trim(value, "*") == "" { // the empty name has the number 0 and no row
		c = fmt.Sprintf("(%s OR %s = 0)", c, column(d))
	}
	return c
}

// text is the condition that a text is the value, in which a * stands for any
// text.
func (b *builder) text(expression, value string) string {
	if !strings.Contains(value, "*") {
		return expression + " = " + b.arg(value)
	}
	return fmt.Sprintf(`%s LIKE %s ESCAPE '\'`, expression, b.arg(like(value)))
}

// like is a value, in which a * stands for any text, as LIKE takes it.
func like(value string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`, `*`, `%`).Replace(value)
}

// date is a day as SQL has it.
func date(d pageview.Day) string {
	return fmt.Sprintf("DATE '%s'", min(max(d, pageview.FirstDay), pageview.LastDay))
}

// instant is an instant as SQL has it.
func instant(t time.Time) string {
	return fmt.Sprintf("TIMESTAMP '%s'", micro(t).Format("2006-01-02 15:04:05.000000"))
}
