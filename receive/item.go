package receive

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
)

// item is a pageview as the API takes it.
type item struct {
	site, url, path, host, title, referrer string
	address, agent, language, country      string
	visitor                                string
	at                                     time.Time
	told                                   bool // the agent was, if only as empty
}

// text is the place of a field that is text; nil means that there is none of
// that name.
func (v *item) text(name []byte) *string {
	switch string(name) {
	case "site":
		return &v.site
	case "url":
		return &v.url
	case "path":
		return &v.path
	case "host":
		return &v.host
	case "title":
		return &v.title
	case "referrer":
		return &v.referrer
	case "address":
		return &v.address
	case "agent":
		return &v.agent
	case "language":
		return &v.language
	case "country":
		return &v.country
	case "visitor":
		return &v.visitor
	}
	return nil
}

// itemFields lists the fields, for messages.
const itemFields = "site, at, url, path, host, title, referrer, address, agent, language, country, visitor"

// Reasons why the API refuses a pageview, besides those of collect.
const (
	refusedMalformed = "malformed"      // a line that is not JSON
	refusedType      = "wrong_type"     // a field, or the pageview, is of another kind
	refusedField     = "unknown_field"  // there is no field of that name
	refusedMissing   = "missing"        // neither url nor path, or both
	refusedScope     = "forbidden_site" // the token is not for that site
)

// refusal is why a pageview was refused.
type refusal struct {
	Index   int    `json:"index"` // in the batch, from 0
	Reason  string `json:"reason"`
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
}

func refuse(reason, field, format string, args ...any) *refusal {
	return &refusal{Reason: reason, Field: field, Message: fmt.Sprintf(format, args...)}
}

// item reads one pageview. An error is a mistake in the JSON; a refusal is one
// in the pageview, which was read to its end.
func (s *scanner) item(v *item) (*refusal, error) {
	if s.peek() != '{' {
		return refuse(refusedType, "", "a pageview is an object"), s.skip(0)
	}
	s.at++
	var refused *refusal
	for first := true; ; first = false {
		more, err := s.more(first, '}')
		if err != nil {
			return nil, err
		}
		if !more {
			return refused, nil
		}
		r, err := s.field(v)
		if err != nil {
			return nil, err
		}
		if refused == nil {
			refused = r
		}
	}
}

// field reads one field with its value. null is as good as nothing.
func (s *scanner) field(v *item) (*refusal, error) {
	start := s.at
	lit, plain, err := s.literal()
	if err != nil {
		return nil, err
	}
	if !plain && !json.Valid(lit) {
		s.at = start
		return nil, s.fail("a name with a wrong escape")
	}
	name := lit[1 : len(lit)-1]
	if err := s.take(':'); err != nil {
		return nil, err
	}
	to, c := v.text(name), s.peek()
	switch {
	case !plain || to == nil && string(name) != "at":
		return refuse(refusedField, clip(name), "there is no such field; there are %s", itemFields), s.skip(0)
	case c == 'n':
		return nil, s.word()
	case to == nil:
		return s.time(v)
	case c != '"':
		return refuse(refusedType, string(name), "%s is text", name), s.skip(0)
	}
	if to == &v.agent {
		v.told = true
	}
	*to, err = s.string()
	return nil, err
}

// clip is a name that a sender made up, short enough to be shown in JSON.
func clip(name []byte) string {
	return strings.ToValidUTF8(string(name[:min(len(name), 50)]), "")
}

const timeForms = `at is a time like "2026-01-31T12:00:00Z", or seconds since 1970`

// time reads when a page was seen.
func (s *scanner) time(v *item) (*refusal, error) {
	switch c := s.peek(); {
	case c == '"':
		text, err := s.string()
		if err != nil {
			return nil, err
		}
		if v.at, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return refuse("time", "at", timeForms), nil
		}
		return nil, nil
	case c == '-' || '0' <= c && c <= '9':
		n, err := s.number()
		if err != nil {
			return nil, err
		}
		if math.Abs(n) > 1e11 {
			return refuse("time", "at", timeForms), nil
		}
		whole, part := math.Modf(n)
		v.at = time.Unix(int64(whole), int64(math.Round(part*1e6))*1000)
		return nil, nil
	}
	return refuse(refusedType, "at", timeForms), s.skip(0)
}
