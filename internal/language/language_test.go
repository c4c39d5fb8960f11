package language_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/beforehand-go/beforehand/internal/language"
)

func TestOf(t *testing.T) {
	const en, zh = language.English, language.Chinese
	for _, c := range []struct {
		query, accept string
		otherwise     language.Language
		want          language.Language
	}{
		{"", "", en, en},
		{"", "", zh, zh},
		{"", "zh-CN,zh;q=0.9,en;q=0.8", en, zh},
		{"", "en-GB,en;q=0.9,zh-CN;q=0.8", zh, en},
		{"", "zh;q=0.4, en;q=0.5", zh, en},
		{"", "zh-TW", en, zh},
		{"", "fr-FR,fr;q=0.9", zh, zh},
		{"", "fr-FR, fr;q=0.9, en;q=0.1", zh, en},
		{"", "*", zh, zh},
		{"", "en;q=0", zh, zh},
		{"", "!", zh, zh},
		{"", "en" + strings.Repeat(",en", 100), zh, zh},
		{"lang=zh", "en", en, zh},
		{"a=b&lang=en", "zh", zh, en},
		{"lang=fr", "zh", en, zh},
		{"lang=", "", zh, zh},
		{"slang=zh", "", en, en},
	} {
		r := httptest.NewRequest("GET", "/?"+c.query, nil)
		r.Header.Set("Accept-Language", c.accept)
		if got := language.Of(r, c.otherwise); got != c.want {
			t.Errorf("?%s, %q, otherwise %s: %s, want %s", c.query, c.accept, c.otherwise, got, c.want)
		}
	}
}

func TestCodesReadBack(t *testing.T) {
	for _, want := range language.All() {
		var got language.Language
		if err := got.UnmarshalText([]byte(want.String())); err != nil || got != want {
			t.Errorf("%s read back is %s, %v", want, got, err)
		}
	}
	var l language.Language
	if err := l.UnmarshalText([]byte("fr")); err == nil || err.Error() != `unknown language "fr": use en or zh` {
		t.Error(err)
	}
}

func BenchmarkOf(b *testing.B) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Accept-Language", "zh-CN,zh;q=0.9,en;q=0.8")
	for b.Loop() {
		language.Of(r, language.English)
	}
}
