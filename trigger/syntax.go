package trigger

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A SyntaxError says what is wrong with the text of a trigger, and where.
type SyntaxError struct {
	// Text is the whole expression.
	Text string
	// Start and End are the byte offsets of the mistake in Text. Where
	// something is missing they are equal.
	Start, End int
	// Field is the part of a cron expression that the mistake is in, such as
	// "hour"; empty elsewhere.
	Field string
	// Problem says what is wrong, Allowed what could stand there instead;
	// Allowed may be empty.
	Problem, Allowed string
}

// Column is where the mistake begins in Text, in characters, from 1.
func (e *SyntaxError) Column() int {
	return utf8.RuneCountInString(e.Text[:e.Start]) + 1
}

// Error names the expression, the field, the column and what is allowed.
func (e *SyntaxError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "parse %q: ", e.Text)
	if e.Field != "" {
		b.WriteString(e.Field + ", ")
	}
	fmt.Fprintf(&b, "column %d: %s", e.Column(), e.Problem)
	if e.Allowed != "" {
		b.WriteString("; allowed is " + e.Allowed)
	}
	return b.String()
}

// Underline returns two lines to be shown in a fixed-width font: the text and
// marks below the mistake.
func (e *SyntaxError) Underline() string {
	marks := max(1, utf8.RuneCountInString(e.Text[e.Start:e.End]))
	return e.Text + "\n" + strings.Repeat(" ", e.Column()-1) + strings.Repeat("^", marks)
}

// within places a mistake in a quoted part of a text in the whole of it.
func (e *SyntaxError) within(text string, quoted token) *SyntaxError {
	moved := *e
	moved.Text, moved.Start, moved.End = text, quoted.start, quoted.end
	if text[quoted.start+1:quoted.end-1] == e.Text { // nothing in it is escaped
		moved.Start, moved.End = quoted.start+1+e.Start, quoted.start+1+e.End
	}
	return &moved
}
