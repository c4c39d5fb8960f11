package postgres

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/beforehand-go/beforehand/pageview"
)

// claimLife is how long a claim holds: longer than pageviews wait.
const claimLife = "7 days"

// Claim has requests belong to a holder, unless they belong to another, and
// returns those that do. Of two who claim the same at once one gets it.
func (s *State) Claim(ctx context.Context, holder string, keys []pageview.Key) (others []pageview.Key, err error) {
	of := map[[sha256.Size]byte]pageview.Key{}
	for _, k := range keys {
		of[claimKey(k)] = k
	}
	var hashes [][]byte
	for h := range of {
		hashes = append(hashes, h[:])
	}
	slices.SortFunc(hashes, slices.Compare) // two who claim wait for each other in one order
	// What a claim finds in its way is committed when it has been waited for; only
	// the next statement sees it.
	_, err = s.pool.Exec(ctx, `INSERT INTO beforehand.claims (key, holder) SELECT key, $2 FROM unnest($1::bytea[]) key ON CONFLICT DO NOTHING`, hashes, holder)
	if err != nil {
		return nil, fmt.Errorf("claim requests: %w", err)
	}
	rows, err := s.pool.Query(ctx, `SELECT key FROM beforehand.claims WHERE key = ANY($1) AND holder <> $2`, hashes, holder)
	if err != nil {
		return nil, fmt.Errorf("claim requests: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var h []byte
		if err := rows.Scan(&h); err != nil {
			return nil, fmt.Errorf("claim requests: %w", err)
		}
		others = append(others, of[[sha256.Size]byte(h)])
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("claim requests: %w", err)
	}
	return others, s.sweepClaims(ctx)
}

// claimKey tells a request from every other one: the same key with another body is
// another request.
func claimKey(k pageview.Key) [sha256.Size]byte {
	return sha256.Sum256([]byte(strings.Join([]string{k.Token, k.Name, string(k.Digest[:])}, "\x00")))
}

// sweepClaims deletes old claims, now and then.
func (s *State) sweepClaims(ctx context.Context) error {
	if s.claimed.Add(1)%1000 != 1 {
		return nil
	}
	if _, err := s.pool.Exec(ctx, `DELETE FROM beforehand.claims WHERE at < clock_timestamp() - $1::interval`, claimLife); err != nil {
		return fmt.Errorf("delete old claims: %w", err)
	}
	return nil
}
