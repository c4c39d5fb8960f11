package config_test

import (
	"testing"

	"github.com/beforehand-go/beforehand/config"
)

func TestOrigin(t *testing.T) {
	for text, want := range map[string]string{
		"https://example.com":      "https://example.com",
		"HTTPS://*.Example.com":    "https://*.example.com",
		"http://localhost:8000":    "http://localhost:8000",
		"":                         "",
		"example.com":              "",
		"https://":                 "",
		"https://a.example/":       "",
		"https://a.example:":       "",
		"https://a.example:x":      "",
		"https://a.example:70000":  "",
		"https://a.example; img *": "",
		"https://a.example, b":     "",
		"https://*":                "",
		"https://a.*.example":      "",
		"javascript://a.example":   "",
	} {
		var o config.Origin
		err := o.UnmarshalText([]byte(text))
		if string(o) != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, o, err)
		}
	}
}
