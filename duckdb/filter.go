package duckdb

import (
	"fmt"
	"strconv"
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
	return b.isOne(d, value)
}

// mostNumbers is how many numbers a condition holds; the planning of each costs
// about 5 microseconds.
const mostNumbers = 1000

// isOne is the condition that the number of a text is one of those that a value stands
// for. As constants they are compared up to three times as fast as with what a table
// holds, which is asked only where they are many.
func (b *builder) isOne(d pageview.Dimension, value string) string {
	texts, table := b.texts.names, "names WHERE "
	text := "name"
	if d == pageview.ByPage || d == pageview.ByEntry {
		texts, table, text = b.texts.paths, fmt.Sprintf("pages WHERE site = %s AND ", b.site), "path"
	}
	switch numbers := numbersOf(texts, value); {
	case len(numbers) == 0:
		return "false"
	case len(numbers) == 1:
		return column(d) + " = " + numbers[0]
	case len(numbers) <= mostNumbers:
		return column(d) + " IN (" + strings.Join(numbers, ", ") + ")"
	}
	c := fmt.Sprintf("%s IN (SELECT id FROM %s%s)", column(d), table, b.text(text, value))
	if strings.Trim(value, "*") == "" { // the empty name has the number 0 and no row
		c = fmt.Sprintf("(%s OR %s = 0)", c, column(d))
	}
	return c
}

// numbersOf are the numbers of the texts that a value stands for. Number 0 is the empty
// text; others without a text have no rows.
func numbersOf(texts []string, value string) (numbers []string) {
	if stands(value, "") {
		numbers = []string{"0"}
	}
	for n := 1; n < len(texts); n++ {
		if texts[n] != "" && stands(value, texts[n]) {
			numbers = append(numbers, strconv.Itoa(n))
		}
	}
	return numbers
}

// stands tells whether a value, in which a * stands for any text, stands for a text.
func stands(value, text string) bool {
	first, rest, pattern := strings.Cut(value, "*")
	if !pattern {
		return text == value
	}
	text, ok := strings.CutPrefix(text, first)
	parts := strings.Split(rest, "*")
	last := len(parts) - 1
	for _, part := range parts[:last] {
		if ok {
			_, text, ok = strings.Cut(text, part)
		}
	}
	return ok && strings.HasSuffix(text, parts[last])
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
