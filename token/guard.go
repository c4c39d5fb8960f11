package token

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// held is how long a token is taken for good without asking the store
	// again, and so how long a revoked one may still be used.
	held = time.Second
	// trusted is how long a token is taken for good while the store gives no
	// answer, and patience how long it is then waited for, every retry.
	trusted  = 24 * time.Hour
	patience = 2 * time.Second
	retry    = 10 * time.Second
	// noted is how often it is written down that a token is used.
	noted = time.Minute
	// maxSecret is the longest secret in bytes that is looked up.
	maxSecret = 200
)

// ErrMissing is returned by Check for a request without a token.
var ErrMissing = errors.New("a token is needed: Authorization: Bearer TOKEN")

// Guard tells which token a request brings. While the store gives no answer, it
// knows those that it has seen in the last 24 hours. It is safe for concurrent
// use.
type Guard struct {
	store Store
	mu    sync.Mutex
	held  map[Hash]holding
}

type holding struct {
	Token
	until time.Time // not asked for again before
	known time.Time // when the store last had it
}

// NewGuard returns a Guard that knows the tokens of a store.
func NewGuard(s Store) *Guard { return &Guard{store: s, held: map[Hash]holding{}} }

// Check returns the token of a request. It fails with ErrMissing, ErrUnknown,
// or what the store says.
func (g *Guard) Check(r *http.Request) (Token, error) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	secret = strings.TrimSpace(secret)
	switch {
	case !strings.EqualFold(scheme, "Bearer") || secret == "":
		return Token{}, ErrMissing
	case len(secret) > maxSecret:
		return Token{}, ErrUnknown
	}
	h := HashOf(secret)
	now := time.Now()
	g.mu.Lock()
	t, ok := g.held[h]
	g.mu.Unlock()
	if ok && now.Before(t.until) {
		return t.Token, nil
	}
	if ok && now.Sub(t.known) < trusted {
		return g.again(r.Context(), h, t, now)
	}
	return g.find(r.Context(), h, now)
}

// again asks for a token that was known before.
func (g *Guard) again(ctx context.Context, h Hash, known holding, now time.Time) (Token, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	t, err := g.find(ctx, h, now)
	if err == nil || errors.Is(err, ErrUnknown) {
		return t, err
	}
	known.until = now.Add(retry)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held[h] = known
	return known.Token, nil
}

func (g *Guard) find(ctx context.Context, h Hash, now time.Time) (Token, error) {
	t, err := g.store.Find(ctx, h)
	if err == nil && now.Sub(t.Used) >= noted {
		t.Used = now
		err = g.store.Use(ctx, t.Name, now)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil {
		delete(g.held, h)
		return Token{}, err
	}
	g.held[h] = holding{t, now.Add(held), now}
	return t, nil
}
