// Package argon makes hashes of passwords with Argon2id (RFC 9106), which costs
// whoever guesses at a stolen hash as much time and memory as the server.
package argon

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/beforehand-go/beforehand/account"
)

var _ account.Hasher = (*Hasher)(nil)

// Params are what a hash costs. They are kept with each.
type Params struct {
	Memory  uint32 // KiB
	Time    uint32 // passes
	Threads uint8
}

// Default is what OWASP advises for a server: 19 MiB, two passes, one thread.
func Default() Params { return Params{Memory: 19 << 10, Time: 2, Threads: 1} }

const (
	saltBytes, sumBytes = 16, 32
	// atOnce is how many hashes are made at once; the others wait. It bounds
	// the memory and the cores that strangers can have a server take.
	atOnce = 2
	// A hash that would cost more than these was not made here.
	maxMemory, maxTime, maxThreads = 1 << 20, 64, 16
)

// Hasher makes hashes with given parameters. Make it with New.
type Hasher struct {
	params Params
	turns  chan struct{}
}

// New returns a Hasher; a hash by other parameters than these is old.
func New(p Params) *Hasher { return &Hasher{params: p, turns: make(chan struct{}, atOnce)} }

// sum is the hash of a password; it waits for its turn.
func (h *Hasher) sum(ctx context.Context, password string, salt []byte, p Params) ([]byte, error) {
	select {
	case h.turns <- struct{}{}:
		defer func() { <-h.turns }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(password), salt, p.Time, p.Memory, p.Threads, sumBytes), nil
}

// Hash implements account.Hasher: $argon2id$v=19$m=…,t=…,p=…$SALT$HASH.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	sum, err := h.sum(ctx, password, salt, h.params)
	if err != nil {
		return "", err
	}
	text := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("%s$%s$%s", h.params, text(salt), text(sum)), nil
}

// String is how parameters are written at the beginning of a hash.
func (p Params) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d", argon2.Version, p.Memory, p.Time, p.Threads)
}

// Check implements account.Hasher.
func (h *Hasher) Check(ctx context.Context, password, hash string) (ok, old bool, err error) {
	if hash == "" {
		_, err := h.sum(ctx, password, make([]byte, saltBytes), h.params)
		return false, false, err
	}
	p, salt, want, err := parse(hash)
	if err != nil {
		return false, false, err
	}
	got, err := h.sum(ctx, password, salt, p)
	return err == nil && subtle.ConstantTimeCompare(got, want) == 1, p != h.params, err
}

// errHash is returned for a hash that is none of ours. It does not say what it is.
var errHash = errors.New("a password's hash is damaged: set another with: beforehand user passwd NAME")

// parse reads a hash.
func parse(hash string) (p Params, salt, sum []byte, err error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 {
		return p, nil, nil, errHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.Memory, &p.Time, &p.Threads); err != nil {
		return p, nil, nil, errHash
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	sum, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	cheap := p.Memory <= maxMemory && 0 < p.Time && p.Time <= maxTime && 0 < p.Threads && p.Threads <= maxThreads
	if !cheap || err1 != nil || err2 != nil || len(sum) != sumBytes || !strings.HasPrefix(hash, p.String()+"$") {
		return p, nil, nil, errHash
	}
	return p, salt, sum, nil
}
