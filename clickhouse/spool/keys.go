package spool

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// KeyLife is how long a key is known.
const KeyLife = 48 * time.Hour

// Key is the digest that a key came with; found tells whether it ever did.
func (s *Spool) Key(ctx context.Context, k pageview.Key) (digest [32]byte, found bool, err error) {
	var kept []byte
	err = s.db.QueryRowContext(ctx, `SELECT digest FROM keys WHERE token = ? AND name = ?`, k.Token, k.Name).Scan(&kept)
	if errors.Is(err, sql.ErrNoRows) {
		return digest, false, nil
	}
	if err != nil {
		return digest, false, fmt.Errorf("look up key in the spool: %w", err)
	}
	copy(digest[:], kept)
	return digest, true, nil
}

// Sweep deletes keys that are old.
func (s *Spool) Sweep(ctx context.Context, now time.Time) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM keys WHERE at < ?`, now.Add(-KeyLife).UnixMicro())
	if err != nil {
		return fmt.Errorf("delete old keys of the spool: %w", err)
	}
	return nil
}
