package token_test

import (
	"strings"
	"testing"

	"github.com/beforehand-go/beforehand/token"
)

func TestTokenAllows(t *testing.T) {
	write := []token.Scope{token.PageviewsWrite}
	for _, c := range []struct {
		t    token.Token
		want bool
	}{
		{token.Token{Scopes: write}, true},
		{token.Token{Scopes: write, Sites: []string{"shop", "blog"}}, true},
		{token.Token{Scopes: write, Sites: []string{"shop"}}, false},
		{token.Token{Scopes: []token.Scope{token.StatsRead}}, false},
		{token.Token{}, false},
	} {
		if got := c.t.Allows(token.PageviewsWrite, "blog"); got != c.want {
			t.Errorf("%+v: %v", c.t, got)
		}
	}
}

func TestTokenCheck(t *testing.T) {
	write := []token.Scope{token.PageviewsWrite}
	if err := (token.Token{Name: "ci", Scopes: write}).Check(); err != nil {
		t.Error(err)
	}
	for _, bad := range []token.Token{
		{},
		{Name: "ci"},
		{Name: "a b", Scopes: write},
		{Name: "a/b", Scopes: write},
		{Name: strings.Repeat("a", 61), Scopes: write},
		{Name: "ci", Scopes: []token.Scope{"all"}},
	} {
		if bad.Check() == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

func TestSecretsDiffer(t *testing.T) {
	a, b := token.NewSecret(), token.NewSecret()
	if a == b || len(a) != len(token.Prefix)+43 || token.HashOf(a) == token.HashOf(b) {
		t.Errorf("%s, %s", a, b)
	}
}
