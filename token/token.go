package token

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Scope is something that a token may be good for.
type Scope string

// The scopes.
const (
	PageviewsWrite Scope = "pageviews:write" // send pageviews
	StatsRead      Scope = "stats:read"      // ask for numbers
	JobsRead       Scope = "jobs:read"       // look at jobs
	JobsWrite      Scope = "jobs:write"      // run, pause and change jobs; with jobs:read
)

// Scopes lists the scopes there are.
func Scopes() []Scope { return []Scope{PageviewsWrite, StatsRead, JobsRead, JobsWrite} }

// Token is what is known of a token.
type Token struct {
	Name    string // its owner's word for it
	Scopes  []Scope
	Sites   []string // names of the sites it is good for; none means every site
	Created time.Time
	Used    time.Time // when it was used last, to the minute; zero means never
}

// Has tells whether the token has a scope, for whichever site.
func (t Token) Has(scope Scope) bool { return slices.Contains(t.Scopes, scope) }

// Allows tells whether the token is good for a scope of a site.
func (t Token) Allows(scope Scope, site string) bool {
	return t.Has(scope) && (len(t.Sites) == 0 || slices.Contains(t.Sites, site))
}

// maxName is the longest name of a token in bytes.
const maxName = 60

// Check tells what is wrong with a token that is to be made.
func (t Token) Check() error {
	odd := func(r rune) bool { return r <= ' ' || r == '/' || r == 0x7f }
	if t.Name == "" || len(t.Name) > maxName || strings.ContainsFunc(t.Name, odd) {
		return fmt.Errorf("%w, not %q", ErrName, t.Name)
	}
	if len(t.Scopes) == 0 {
		return ErrScope
	}
	for _, s := range t.Scopes {
		if !slices.Contains(Scopes(), s) {
			return fmt.Errorf("%w: unknown scope %q; there are %q", ErrScope, s, Scopes())
		}
	}
	return nil
}

var (
	// ErrUnknown is returned for a token that was never made, or was revoked.
	ErrUnknown = errors.New("unknown token")

	// ErrName and ErrScope are returned by Check.
	ErrName  = fmt.Errorf("a token's name is 1 to %d bytes without spaces and slashes", maxName)
	ErrScope = errors.New("a token needs a scope")

	// ErrExists is returned by Create for a name that another token has.
	ErrExists = errors.New("a token of that name exists")
)

// Store keeps tokens. It is safe for concurrent use.
type Store interface {
	// Create keeps a new token.
	Create(ctx context.Context, t Token, h Hash) error

	// Find is the token of that hash.
	Find(ctx context.Context, h Hash) (Token, error)

	// Use notes when a token was used. A token that is gone is no error.
	Use(ctx context.Context, name string, at time.Time) error

	// List is all tokens by name.
	List(ctx context.Context) ([]Token, error)

	// Revoke makes a token unknown.
	Revoke(ctx context.Context, name string) error
}

// Hash is what is kept of a token's secret: its SHA-256. The secret is as long
// as a key and random, so that nothing slower is needed.
type Hash [sha256.Size]byte

// HashOf is the hash of a secret.
func HashOf(secret string) Hash { return sha256.Sum256([]byte(secret)) }

// Prefix begins each secret, so that one that was lost is known for what it is.
const Prefix = "beforehand_"

// NewSecret makes the secret of a new token.
func NewSecret() string {
	var b [32]byte
	rand.Read(b[:])
	return Prefix + base64.RawURLEncoding.EncodeToString(b[:])
}
