package memory

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/beforehand-go/beforehand/token"
)

// tokens keeps the tokens of the API.
type tokens struct {
	mu   sync.Mutex
	kept []keptToken
}

type keptToken struct {
	token.Token
	hash token.Hash
}

// Tokens returns the store of tokens.
func (s *State) Tokens() token.Store { return &s.tokens }

func (s *tokens) named(name string) int {
	return slices.IndexFunc(s.kept, func(k keptToken) bool { return k.Name == name })
}

// Create implements token.Store.
func (s *tokens) Create(_ context.Context, t token.Token, h token.Hash) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.named(t.Name) >= 0 {
		return token.ErrExists
	}
	s.kept = append(s.kept, keptToken{t, h})
	slices.SortFunc(s.kept, func(a, b keptToken) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// Find implements token.Store.
func (s *tokens) Find(_ context.Context, h token.Hash) (token.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.kept {
		if k.hash == h {
			return k.Token, nil
		}
	}
	return token.Token{}, token.ErrUnknown
}

// Use implements token.Store.
func (s *tokens) Use(_ context.Context, name string, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.named(name); i >= 0 {
		s.kept[i].Used = at
	}
	return nil
}

// List implements token.Store.
func (s *tokens) List(context.Context) ([]token.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []token.Token
	for _, k := range s.kept {
		list = append(list, k.Token)
	}
	return list, nil
}

// Revoke implements token.Store.
func (s *tokens) Revoke(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.named(name)
	if i < 0 {
		return token.ErrUnknown
	}
	s.kept = slices.Delete(s.kept, i, i+1)
	return nil
}
