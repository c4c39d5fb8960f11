package clickhouse

import (
	"fmt"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// filters is the condition that all of the query's filters hold, for rows of
// which the value of a dimension is given.
func (b *builder) filters(value func(pageview.Dimension) string) string {
	var all []string
	for _, f := range b.q.Filters {
		var either []string
		for _, v := range f.Values {
			either = append(either, holds(f.Dimension, value(f.Dimension), v))
		}
		c := "(" + strings.Join(either, " OR ") + ")"
		if f.Not {
			c = "NOT " + c
		}
		all = append(all, c)
	}
	return and(all...)
}

// holds is the condition that a row has a value in a dimension. The value was
// checked.
func holds(d pageview.Dimension, of, value string) string {
	switch {
	case d == pageview.ByHour:
		at, _ := time.Parse(time.RFC3339, value)
		return fmt.Sprintf("%s = %d", of, at.Unix())
	case d.Time():
		first, last, _ := d.Days(value)
		return fmt.Sprintf("(day >= %d AND day <= %d)", first, last)
	}
	return matches(of, value, false)
}
