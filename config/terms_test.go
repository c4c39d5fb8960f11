package config_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/config"
	"github.com/beforehand-go/beforehand/pageview"
)

func TestTerms(t *testing.T) {
	terms := config.Terms{
		Title: " The blog ", Zone: "Europe/Berlin", Hosts: "Example.com, www.example.com\nexample.com", URL: "https://example.com", Sources: "log; script, pixel",
		Retention: "30d", Query: "p q", Index: "index.html", Lower: true, Slash: "remove", Rewrite: "^/old/(.*)$ /new/$1\n\n^/private/\r\n",
	}
	s, err := terms.Site(config.Site{Name: "blog", Articles: "/posts/*"})
	if err != nil {
		t.Fatal(err)
	}
	kept := s.Collect()
	if s.Title != "The blog" || s.Zone != "Europe/Berlin" || time.Duration(s.Retention) != 30*24*time.Hour || s.Articles != "/posts/*" ||
		!slices.Equal(kept.Hosts, []string{"example.com", "www.example.com"}) || s.Precedence().String() != "log;script,pixel" {
		t.Errorf("%+v", s)
	}
	for url, want := range map[string]string{
		"https://example.com/Old/A/?p=1&x=2": "/new/a?p=1", "https://example.com/b/index.html": "/b", "https://example.com/private/x": "",
	} {
		if got := kept.Page(url); got != want {
			t.Errorf("page %s is %q, want %q", url, got, want)
		}
	}
	again, err := (&config.Terms{}).Site(s)
	if err != nil || len(again.Hosts) != 0 || len(again.Sources) != 0 || again.Paths.Lower || again.Title != "" {
		t.Errorf("what was taken back is still there: %+v, %v", again, err)
	}
	if p := again.Precedence(); len(p) != 0 || pageview.DefaultPrecedence().String() == "" {
		t.Errorf("precedence %s", p)
	}
}

func TestTermsThatCannotBeMeant(t *testing.T) {
	for key, terms := range map[string]config.Terms{
		"zone": {Zone: "Atlantis/Poseidonis"}, "hosts": {Hosts: "https://example.com"}, "url": {URL: "javascript:alert(1)"},
		"sources": {Sources: "script;carrier pigeon"}, "retention": {Retention: "1h"}, "slash": {Slash: "both"},
		"rewrite": {Rewrite: "^/(a /b"}, "title": {Title: strings.Repeat("x", 5000)}, "query": {Query: strings.Repeat("x", 5000)},
	} {
		_, err := terms.Site(config.Site{Name: "blog"})
		var wrong *config.TermError
		if !errors.As(err, &wrong) || wrong.Key != key || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", key, err)
		}
	}
	for _, name := range []string{"", "a/b", "*", "job", "weekly", "retain", "collect", strings.Repeat("x", 65)} {
		_, err := (&config.Terms{}).Site(config.Site{Name: name})
		var wrong *config.TermError
		if !errors.As(err, &wrong) || wrong.Key != "name" {
			t.Errorf("a site called %q: %v", name, err)
		}
	}
	_, err := (&config.Terms{Rewrite: strings.Repeat("^/a /b\n", 101)}).Site(config.Site{Name: "blog"})
	if err == nil {
		t.Error("there are 101 rules")
	}
	_, err = (&config.Terms{Sources: "script;script"}).Site(config.Site{Name: "blog"})
	if err == nil {
		t.Error("a source is in two groups")
	}
}
