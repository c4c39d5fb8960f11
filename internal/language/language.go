// Package language knows which languages people are spoken to in, and which of
// them a reader asks for.
package language

import (
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/text/language"
)

// A Language is one that pages are written in. Its zero value is English.
type Language uint8

// The languages. Chinese is written in simplified characters.
const (
	English Language = iota
	Chinese
)

// All lists the languages there are, each at its own index.
func All() []Language { return []Language{English, Chinese} }

// codes name the languages in URLs and in the configuration.
var codes = [...]string{English: "en", Chinese: "zh"}

var matcher = language.NewMatcher([]language.Tag{language.English, language.SimplifiedChinese})

// String is the language's code: en or zh.
func (l Language) String() string { return codes[l] }

// UnmarshalText reads a code.
func (l *Language) UnmarshalText(text []byte) error {
	for _, known := range All() {
		if known.String() == string(text) {
			*l = known
			return nil
		}
	}
	return fmt.Errorf("unknown language %q: use %s", text, strings.Join(codes[:], " or "))
}

// maxAccept is how much of an Accept-Language is read, in bytes. Browsers send
// less than 100.
const maxAccept = 256

// Of is the language that a reader asks for: by the parameter lang of the URL,
// else by Accept-Language, else otherwise. Whoever answers by it says so with
// Vary: Accept-Language.
func Of(r *http.Request, otherwise Language) Language {
	if strings.Contains(r.URL.RawQuery, "lang=") {
		var l Language
		if l.UnmarshalText([]byte(r.URL.Query().Get("lang"))) == nil {
			return l
		}
	}
	accept := r.Header.Get("Accept-Language")
	if accept == "" || len(accept) > maxAccept {
		return otherwise
	}
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(tags) == 0 {
		return otherwise
	}
	if _, i, sure := matcher.Match(tags...); sure > language.No {
		return Language(i)
	}
	return otherwise
}
