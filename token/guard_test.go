package token_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/token"
)

// away is a store of one token, which may give no answer.
type away struct {
	token.Store
	hash  token.Hash
	away  bool
	asked int
}

func (a *away) Find(ctx context.Context, h token.Hash) (token.Token, error) {
	a.asked++
	if a.away {
		<-ctx.Done()
		return token.Token{}, ctx.Err()
	}
	if h != a.hash {
		return token.Token{}, token.ErrUnknown
	}
	return token.Token{Name: "a", Used: time.Now()}, nil
}

func TestGuardKnowsTokensWhileTheStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &away{hash: token.HashOf("good")}
		g := token.NewGuard(store)
		check := func(secret string) error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil)
			r.Header.Set("Authorization", "Bearer "+secret)
			_, err := g.Check(r)
			return err
		}
		if err := check("good"); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		store.away, store.asked = true, 0
		for time.Since(began) < 23*time.Hour {
			if err := check("good"); err != nil {
				t.Fatalf("after %v: %v", time.Since(began), err)
			}
			time.Sleep(time.Minute)
		}
		if most := 23 * 60; store.asked > most {
			t.Errorf("asked %d times", store.asked)
		}
		if err := check("other"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("one that was never seen: %v", err)
		}
		time.Sleep(2 * time.Hour)
		if err := check("good"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after a day: %v", err)
		}
		store.away = false
		if err := check("good"); err != nil {
			t.Errorf("when it is back: %v", err)
		}
		store.hash = token.HashOf("new")
		time.Sleep(time.Second)
		if err := check("good"); !errors.Is(err, token.ErrUnknown) {
			t.Errorf("revoked: %v", err)
		}
	})
}
