package web

import (
	"fmt"
	"html/template"
)

// words are the sentences of one language by name. %s stands for what is put
// in; where another language needs another order it writes %[2]s.
type words map[string]string

// say puts args into the sentence name. Strings are escaped, HTML is taken as
// it is.
func (w words) say(name string, args ...any) (template.HTML, error) {
	sentence, ok := w[name]
	if !ok {
		return "", fmt.Errorf("say %q: the catalogue has no such sentence", name)
	}
	for i, a := range args {
		if _, safe := a.(template.HTML); !safe {
			args[i] = template.HTMLEscaper(a)
		}
	}
	if len(args) == 0 {
		return template.HTML(template.HTMLEscapeString(sentence)), nil
	}
	return template.HTML(fmt.Sprintf(template.HTMLEscapeString(sentence), args...)), nil
}
