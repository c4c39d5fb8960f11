package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/beforehand-go/beforehand/token"
)

var _ token.Store = (*Tokens)(nil)

// Tokens keeps the tokens of the API.
type Tokens struct{ pool *pgxpool.Pool }

// Tokens returns the store of tokens.
func (s *State) Tokens() token.Store { return &Tokens{s.pool} }

// Create implements token.Store.
func (s *Tokens) Create(ctx context.Context, t token.Token, h token.Hash) error {
	tag, err := s.pool.Exec(ctx, `INSERT INTO beforehand.tokens VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		t.Name, h[:], append([]token.Scope{}, t.Scopes...), append([]string{}, t.Sites...), t.Created.Truncate(time.Second))
	if err == nil && tag.RowsAffected() == 0 {
		err = token.ErrExists
	}
	if err != nil {
		return fmt.Errorf("create token %q: %w", t.Name, err)
	}
	return nil
}

const selectTokens = "SELECT name, scopes, sites, created, used FROM beforehand.tokens"

func scanToken(row pgx.CollectableRow) (t token.Token, err error) {
	var used *time.Time
	if err := row.Scan(&t.Name, &t.Scopes, &t.Sites, &t.Created, &used); err != nil {
		return t, err
	}
	if len(t.Sites) == 0 {
		t.Sites = nil
	}
	t.Created, t.Used = t.Created.UTC(), fromInstant(used)
	return t, nil
}

// Find implements token.Store.
func (s *Tokens) Find(ctx context.Context, h token.Hash) (t token.Token, err error) {
	rows, err := s.pool.Query(ctx, selectTokens+" WHERE hash = $1", h[:])
	if err == nil {
		t, err = pgx.CollectExactlyOneRow(rows, scanToken)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		err = token.ErrUnknown
	}
	if err != nil {
		return t, fmt.Errorf("find token: %w", err)
	}
	return t, nil
}

// Use implements token.Store.
func (s *Tokens) Use(ctx context.Context, name string, at time.Time) error {
	if _, err := s.pool.Exec(ctx, "UPDATE beforehand.tokens SET used = $1 WHERE name = $2", at, name); err != nil {
		return fmt.Errorf("note use of token %q: %w", name, err)
	}
	return nil
}

// List implements token.Store.
func (s *Tokens) List(ctx context.Context) (list []token.Token, err error) {
	rows, err := s.pool.Query(ctx, selectTokens+" ORDER BY name")
	if err == nil {
		list, err = pgx.CollectRows(rows, scanToken)
	}
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return list, nil
}

// Revoke implements token.Store.
func (s *Tokens) Revoke(ctx context.Context, name string) error {
	tag, err := s.pool.Exec(ctx, "DELETE FROM beforehand.tokens WHERE name = $1", name)
	if err == nil && tag.RowsAffected() == 0 {
		err = token.ErrUnknown
	}
	if err != nil {
		return fmt.Errorf("revoke token %q: %w", name, err)
	}
	return nil
}
