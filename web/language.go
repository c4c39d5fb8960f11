package web

import (
	"github.com/beforehand-go/beforehand/chart"
	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/internal/number"
	"github.com/beforehand-go/beforehand/trigger"
)

// catalogues are the words of each language.
var catalogues = [...]words{language.English: english, language.Chinese: chinese}

// ChartWords are the words of a picture in a language.
func ChartWords(l language.Language) chart.Words {
	w := catalogues[l]
	c := chart.Words{Other: w["chart_other"], New: w["hot_new"], Empty: w["chart_empty"]}
	if l == language.Chinese {
		c.Number = number.CompactChinese
	}
	return c
}

// Word is a sentence of the catalogue that stands by itself.
func Word(l language.Language, name string) string { return catalogues[l][name] }

// Triggers is the language in which package trigger explains itself.
func Triggers(l language.Language) trigger.Language {
	if l == language.Chinese {
		return trigger.Chinese
	}
	return trigger.English
}

// choice is a link to the same page in another language.
type choice struct {
	URL, Tag, Name string
	Here           bool
}

// Choices are the languages that a page is there in.
func (p pen) Choices() []choice {
	var all []choice
	for _, l := range language.All() {
		w := catalogues[l]
		all = append(all, choice{"?lang=" + l.String(), w["lang"], w["lang_name"], l == p.Lang})
	}
	return all
}
