package config

import (
	"encoding"
	"fmt"
	"slices"
	"strings"

	"github.com/beforehand-go/beforehand/internal/yamlfile"
	"github.com/beforehand-go/beforehand/pageview"
)

// Terms are what an owner says of a site on a page, each as it was typed. What
// may read files or carry out commands is left to the file.
type Terms struct {
	Title     string `json:"title,omitempty"`
	Zone      string `json:"zone,omitempty"` // empty means the machine's
	Hosts     string `json:"hosts,omitempty"`
	URL       string `json:"url,omitempty"`
	Sources   string `json:"sources,omitempty"` // as pageview.ParsePrecedence reads them
	Retention string `json:"retention,omitempty"`
	Query     string `json:"query,omitempty"`
	Index     string `json:"index,omitempty"`
	Lower     bool   `json:"lower,omitempty"`
	Slash     string `json:"slash,omitempty"`
	Rewrite   string `json:"rewrite,omitempty"` // a rule a line: an expression, and after a space what the match becomes
}

// TermError says which of the terms cannot be meant, by the name of its key.
type TermError struct {
	Key string
	Err error
}

func (e *TermError) Error() string { return e.Key + ": " + e.Err.Error() }

// Unwrap returns why not.
func (e *TermError) Unwrap() error { return e.Err }

// maxTerm is the longest of the terms in bytes, maxRules how many rules a site
// has on a page.
const maxTerm, maxRules = 4000, 100

// Site is the site that the terms describe. What they do not speak of is as base
// has it.
func (t *Terms) Site(base Site) (Site, error) {
	s := base
	texts := []struct {
		key, text string
		into      encoding.TextUnmarshaler
	}{
		{"zone", t.Zone, &s.Zone},
		{"url", t.URL, &s.URL},
		{"retention", t.Retention, &s.Retention},
		{"slash", t.Slash, &s.Paths.Slash},
	}
	for _, v := range texts {
		if v.text == "" {
			continue
		}
		if err := v.into.UnmarshalText([]byte(v.text)); err != nil {
			return s, &TermError{v.key, err}
		}
	}
	s.Title, s.Paths.Lower = strings.TrimSpace(t.Title), t.Lower
	s.Paths.Query, s.Paths.Index = words(t.Query), words(t.Index)
	s.Hosts, s.Paths.Rewrite, s.Sources = nil, nil, nil
	for _, word := range words(t.Hosts) {
		var h Host
		if err := h.UnmarshalText([]byte(word)); err != nil {
			return s, &TermError{"hosts", err}
		}
		if !slices.Contains(s.Hosts, h) {
			s.Hosts = append(s.Hosts, h)
		}
	}
	groups, err := pageview.ParsePrecedence(strings.Join(strings.Fields(t.Sources), ""))
	if err != nil {
		return s, &TermError{"sources", err}
	}
	for _, group := range groups {
		var sources []Source
		for _, source := range group {
			sources = append(sources, Source(source))
		}
		s.Sources = append(s.Sources, sources)
	}
	if s.Paths.Rewrite, err = rewrites(t.Rewrite); err != nil {
		return s, &TermError{"rewrite", err}
	}
	return s, t.check(&s)
}

// check refuses what is too long, or cannot be together.
func (t *Terms) check(s *Site) error {
	for key, text := range map[string]string{"title": t.Title, "hosts": t.Hosts, "query": t.Query, "index": t.Index, "rewrite": t.Rewrite} {
		if len(text) > maxTerm {
			return &TermError{key, fmt.Errorf("at most %d bytes", maxTerm)}
		}
	}
	if key, err := yamlfile.KeyOf(s.Check()); err != nil {
		return &TermError{key, err}
	}
	return nil
}

// words are the words of a text, with spaces or commas between them.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' })
}

// rewrites reads rules, one a line.
func rewrites(text string) (rules []Rewrite, err error) {
	for line := range strings.Lines(text) {
		from, to, _ := strings.Cut(strings.TrimSpace(line), " ")
		if from == "" {
			continue
		}
		r := Rewrite{To: strings.TrimSpace(to)}
		if err := r.From.UnmarshalText([]byte(from)); err != nil {
			return nil, err
		}
		rules = append(rules, r)
	}
	if len(rules) > maxRules {
		return nil, fmt.Errorf("at most %d rules", maxRules)
	}
	return rules, nil
}
