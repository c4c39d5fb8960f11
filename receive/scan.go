package receive

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// A syntaxError is where text stops being JSON.
type syntaxError struct {
	offset int // bytes before it
	text   string
}

func (e *syntaxError) Error() string { return e.text }

// place is the line and column of an offset, from 1; a column is a byte.
func place(text []byte, offset int) (line, column int) {
	before := text[:min(offset, len(text))]
	return bytes.Count(before, []byte("\n")) + 1, len(before) - bytes.LastIndexByte(before, '\n')
}

// scanner reads JSON from its beginning to its end, once. A batch is flat, so
// that reading it so costs a fifth of what reflection does, and says of each
// mistake where it is.
type scanner struct {
	text []byte
	at   int
}

func (s *scanner) fail(format string, args ...any) error {
	return &syntaxError{s.at, fmt.Sprintf(format, args...)}
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

// ended tells whether nothing but space is left.
func (s *scanner) ended() bool {
	s.space()
	return s.at == len(s.text)
}

// peek is the next byte that is no space; 0 at the end, and where the text has
// one.
func (s *scanner) peek() byte {
	s.space()
	if s.at == len(s.text) {
		return 0
	}
	return s.text[s.at]
}

// take passes over one byte that must come next.
func (s *scanner) take(c byte) error {
	got := s.peek()
	switch {
	case got == c:
		s.at++
		return nil
	case got == 0 && s.at == len(s.text):
		return s.fail("the text ends where %q is wanted", c)
	}
	return s.fail("%q is wanted here", c)
}

// more tells whether another element follows in what end closes, and passes
// over the comma or the end.
func (s *scanner) more(first bool, end byte) (bool, error) {
	c := s.peek()
	switch {
	case c == end:
		s.at++
		return false, nil
	case first:
		return true, nil
	case c != ',':
		return false, s.fail("a comma or %q is wanted here", end)
	}
	s.at++
	if s.peek() == end {
		return false, s.fail("a comma before %q", end)
	}
	return true, nil
}

// literal reads a string with its quotation marks, and tells whether anything
// in it is escaped or beyond ASCII.
func (s *scanner) literal() (text []byte, plain bool, err error) {
	if err := s.take('"'); err != nil {
		return nil, false, err
	}
	start := s.at - 1
	for plain = true; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return s.text[start:s.at], plain, nil
		case c == '\\':
			plain = false
			s.at++
		case c < ' ':
			return nil, false, s.fail("a control character in a string")
		case c >= utf8.RuneSelf:
			plain = false
		}
	}
	s.at = len(s.text)
	return nil, false, s.fail("the text ends in a string")
}

// string reads a string. What is no UTF-8 in it is replaced, as encoding/json
// does.
func (s *scanner) string() (string, error) {
	start := s.at
	lit, plain, err := s.literal()
	if err != nil {
		return "", err
	}
	if plain {
		return string(lit[1 : len(lit)-1]), nil
	}
	var v string
	if json.Unmarshal(lit, &v) != nil {
		s.at = start
		return "", s.fail("a string with a wrong escape")
	}
	return v, nil
}

// number reads a number, an infinite one where it is too large.
func (s *scanner) number() (float64, error) {
	s.space()
	start := s.at
	for s.at < len(s.text) && bytes.IndexByte([]byte("+-.0123456789eE"), s.text[s.at]) >= 0 {
		s.at++
	}
	lit := s.text[start:s.at]
	if !json.Valid(lit) {
		s.at = start
		return 0, s.fail("not a number")
	}
	v, _ := strconv.ParseFloat(string(lit), 64)
	return v, nil
}

// word reads true, false or null.
func (s *scanner) word() error {
	for _, w := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(s.text[s.at:], []byte(w)) {
			s.at += len(w)
			return nil
		}
	}
	return s.fail("a value is wanted here")
}

// maxDepth is how deep values may nest that are passed over.
const maxDepth = 50

// skip passes over a value of any kind.
func (s *scanner) skip(depth int) error {
	c := s.peek()
	switch {
	case depth > maxDepth:
		return s.fail("nested too deeply")
	case c == '"':
		_, err := s.string()
		return err
	case c == '{' || c == '[':
		return s.skipAll(c, depth)
	case c == '-' || '0' <= c && c <= '9':
		_, err := s.number()
		return err
	}
	return s.word()
}

// skipAll passes over an object or a list.
func (s *scanner) skipAll(open byte, depth int) error {
	s.at++
	for first := true; ; first = false {
		more, err := s.more(first, open+2) // the brackets are two apart
		if err != nil || !more {
			return err
		}
		if open == '{' {
			if _, err := s.string(); err != nil {
				return err
			}
			if err := s.take(':'); err != nil {
				return err
			}
		}
		if err := s.skip(depth + 1); err != nil {
			return err
		}
	}
}
