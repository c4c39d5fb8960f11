// Package tokentest holds every store of tokens to the same contract.
package tokentest

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/token"
)

// Run runs the suite. New returns an empty store.
func Run(t *testing.T, newStore func(t *testing.T) token.Store) {
	t.Run("a token is found by its secret until it is revoked", func(t *testing.T) { keep(t, newStore(t)) })
	t.Run("a guard lets in who brings a token", func(t *testing.T) { guard(t, newStore(t)) })
}

func keep(t *testing.T, s token.Store) {
	ctx := t.Context()
	made := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	one := token.Token{Name: "one", Scopes: []token.Scope{token.PageviewsWrite, token.StatsRead}, Sites: []string{"blog", "shop"}, Created: made}
	all := token.Token{Name: "all", Scopes: []token.Scope{token.StatsRead}, Created: made}
	h1, h2 := token.HashOf("secret 1"), token.HashOf("secret 2")
	for _, c := range []struct {
		t token.Token
		h token.Hash
	}{{one, h1}, {all, h2}} {
		if err := s.Create(ctx, c.t, c.h); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Create(ctx, one, token.HashOf("other")); !errors.Is(err, token.ErrExists) {
		t.Errorf("the same name again: %v", err)
	}
	if got, err := s.Find(ctx, h1); err != nil || !reflect.DeepEqual(got, one) {
		t.Errorf("found %+v, %v, want %+v", got, err, one)
	}
	one.Used = made.Add(time.Hour)
	if err := errors.Join(s.Use(ctx, "one", one.Used), s.Use(ctx, "gone", made)); err != nil {
		t.Error(err)
	}
	if got, err := s.List(ctx); err != nil || !reflect.DeepEqual(got, []token.Token{all, one}) {
		t.Errorf("list %+v, %v", got, err)
	}
	if err := s.Revoke(ctx, "one"); err != nil {
		t.Error(err)
	}
	if err := s.Revoke(ctx, "one"); !errors.Is(err, token.ErrUnknown) {
		t.Errorf("revoked twice: %v", err)
	}
	if _, err := s.Find(ctx, h1); !errors.Is(err, token.ErrUnknown) {
		t.Errorf("found after it was revoked: %v", err)
	}
}

func guard(t *testing.T, s token.Store) {
	ctx := t.Context()
	secret := token.NewSecret()
	if err := s.Create(ctx, token.Token{Name: "a", Scopes: []token.Scope{token.StatsRead}, Created: time.Now()}, token.HashOf(secret)); err != nil {
		t.Fatal(err)
	}
	g := token.NewGuard(s)
	check := func(authorization string) error {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header.Set("Authorization", authorization)
		_, err := g.Check(r)
		return err
	}
	for authorization, want := range map[string]error{
		"": token.ErrMissing, "Basic " + secret: token.ErrMissing, "Bearer": token.ErrMissing,
		"Bearer " + secret: nil, "bearer  " + secret: nil, "Bearer " + secret + "x": token.ErrUnknown,
	} {
		if err := check(authorization); !errors.Is(err, want) {
			t.Errorf("%.20q: %v, want %v", authorization, err, want)
		}
	}
	if l, err := s.List(ctx); err != nil || l[0].Used.IsZero() {
		t.Errorf("its use was not noted: %+v, %v", l, err)
	}
}

// RunRevoked holds a guard on a store without files or sockets to forgetting a
// revoked token after a second, in a bubble of time.
func RunRevoked(t *testing.T, newStore func() token.Store) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		secret := token.NewSecret()
		if err := s.Create(t.Context(), token.Token{Name: "a", Scopes: token.Scopes()}, token.HashOf(secret)); err != nil {
			t.Fatal(err)
		}
		g := token.NewGuard(s)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+secret)
		if _, err := g.Check(r); err != nil {
			t.Fatal(err)
		}
		if err := s.Revoke(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if _, err := g.Check(r); !errors.Is(err, token.ErrUnknown) {
			t.Errorf("a second after it was revoked: %v", err)
		}
	})
}
