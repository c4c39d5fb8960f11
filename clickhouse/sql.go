package clickhouse

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/beforehand-go/beforehand/pageview"
)

// quote is text as SQL has it.
func quote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", `\0`).Replace(text) + "'"
}

// name is the name of a database or a cluster as SQL has it.
func name(text string) string {
	return "`" + strings.NewReplacer(`\`, `\\`, "`", "\\`").Replace(text) + "`"
}

// list is a list of numbers as SQL has it, without its brackets.
func list[T ~int32 | ~int64 | ~uint32 | ~uint64](numbers []T) string {
	b := make([]byte, 0, 21*len(numbers))
	for i, n := range numbers {
		if i > 0 {
			b = append(b, ',')
		}
		if n < 0 {
			b = strconv.AppendInt(b, int64(n), 10)
		} else {
			b = strconv.AppendUint(b, uint64(n), 10)
		}
	}
	return string(b)
}

// in is the condition that an expression is one of the numbers.
func in[T ~int32 | ~int64 | ~uint32 | ~uint64](expression string, numbers []T) string {
	if len(numbers) == 0 {
		return "0"
	}
	return expression + " IN (" + list(numbers) + ")"
}

// and is the condition that all of these hold; an empty one always does.
func and(conditions ...string) string {
	conditions = slices.DeleteFunc(conditions, func(c string) bool { return c == "" })
	if len(conditions) == 0 {
		return "1"
	}
	return strings.Join(conditions, " AND ")
}

// between is the condition that a day is one of those from first to last; zero
// means no bound.
func between(first, last pageview.Day) string {
	var c []string
	if first != 0 {
		c = append(c, fmt.Sprint("day >= ", int32(first)))
	}
	if last != 0 {
		c = append(c, fmt.Sprint("day <= ", int32(last)))
	}
	return strings.Join(c, " AND ")
}

// matches is the condition that a text is like a pattern, in which a * stands
// for any text, and, if one is set, a ? for one character.
func matches(expression, pattern string, one bool) string {
	marks := "*"
	if one {
		marks = "*?"
	}
	if !strings.ContainsAny(pattern, marks) {
		return expression + " = " + quote(pattern)
	}
	var b strings.Builder
	b.WriteString("(?s)^")
	for _, r := range pattern {
		switch {
		case r == '*':
			b.WriteString(".*")
		case r == '?' && one:
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	b.WriteString("$")
	return fmt.Sprintf("match(%s, %s)", expression, quote(b.String()))
}
