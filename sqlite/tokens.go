package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/token"
)

var _ token.Store = (*Tokens)(nil)

// Tokens keeps the tokens of the API.
type Tokens struct{ state *State }

// Tokens returns the store of tokens.
func (s *State) Tokens() token.Store { return &Tokens{s} }

// Create implements token.Store.
func (s *Tokens) Create(ctx context.Context, t token.Token, h token.Hash) error {
	var scopes []string
	for _, scope := range t.Scopes {
		scopes = append(scopes, string(scope))
	}
	err := s.state.write(ctx, func(c *conn) error {
		n, err := c.affect(`INSERT INTO beforehand_tokens (name, hash, scopes, sites, created) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT DO NOTHING`,
			t.Name, h[:], strings.Join(scopes, " "), strings.Join(t.Sites, "\n"), t.Created.Unix())
		if err == nil && n == 0 {
			return token.ErrExists
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("create token %q: %w", t.Name, err)
	}
	return nil
}

const selectTokens = "SELECT name, scopes, sites, created, used FROM beforehand_tokens"

func scanToken(row scanner) (t token.Token, err error) {
	var scopes, sites string
	var created int64
	var used sql.NullInt64
	if err := row.Scan(&t.Name, &scopes, &sites, &created, &used); err != nil {
		return t, err
	}
	for scope := range strings.FieldsSeq(scopes) {
		t.Scopes = append(t.Scopes, token.Scope(scope))
	}
	if sites != "" {
		t.Sites = strings.Split(sites, "\n")
	}
	t.Created = time.Unix(created, 0).UTC()
	if used.Valid {
		t.Used = time.Unix(used.Int64, 0).UTC()
	}
	return t, nil
}

// Find implements token.Store.
func (s *Tokens) Find(ctx context.Context, h token.Hash) (t token.Token, err error) {
	err = s.state.read(ctx, func(c *conn) error {
		t, err = scanToken(c.row(selectTokens+" WHERE hash = ?", h[:]))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = token.ErrUnknown
	}
	if err != nil {
		return t, fmt.Errorf("find token: %w", err)
	}
	return t, nil
}

// Use implements token.Store.
func (s *Tokens) Use(ctx context.Context, name string, at time.Time) error {
	err := s.state.write(ctx, func(c *conn) error {
		return c.exec("UPDATE beforehand_tokens SET used = ? WHERE name = ?", at.Unix(), name)
	})
	if err != nil {
		return fmt.Errorf("note use of token %q: %w", name, err)
	}
	return nil
}

// List implements token.Store.
func (s *Tokens) List(ctx context.Context) (list []token.Token, err error) {
	err = s.state.read(ctx, func(c *conn) error {
		return c.each(func(row scanner) error {
			t, err := scanToken(row)
			list = append(list, t)
			return err
		}, selectTokens+" ORDER BY name")
	})
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return list, nil
}

// Revoke implements token.Store.
func (s *Tokens) Revoke(ctx context.Context, name string) error {
	err := s.state.write(ctx, func(c *conn) error {
		n, err := c.affect("DELETE FROM beforehand_tokens WHERE name = ?", name)
		if err == nil && n == 0 {
			return token.ErrUnknown
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("revoke token %q: %w", name, err)
	}
	return nil
}
