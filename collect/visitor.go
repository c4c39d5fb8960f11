package collect

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// Salts keeps the sealed salts.
type Salts interface {
	// Salt returns the sealed salt of a site and local day, and notes that it
	// was used. Where there is none it first keeps fresh, durably: of several
	// processes that ask at once, all get the same.
	Salt(ctx context.Context, site string, day pageview.Day, fresh []byte) ([]byte, error)
}

// Key is the secret of a data directory: salts are sealed under it and log
// files are known by hashes under it. It lies outside the store, so that a
// copy of the store alone tells nothing.
type Key [32]byte

// LogValue keeps the key out of logs.
func (Key) LogValue() slog.Value { return slog.StringValue("secret") }

// String keeps the key out of messages.
func (Key) String() string { return "secret" }

// derive is a key for one purpose.
func (k Key) derive(purpose string) []byte {
	m := hmac.New(sha256.New, k[:])
	m.Write([]byte(purpose))
	return m.Sum(nil)
}

// Visitors makes the numbers that stand for visitors. It is safe for
// concurrent use.
type Visitors struct {
	salts Salts
	seal  cipher.AEAD

	mu   sync.Mutex
	held map[saltKey]heldSalt
}

type saltKey struct {
	site string
	day  pageview.Day
}

type heldSalt struct {
	salt  []byte
	since time.Time
}

// saltRefresh is how long a salt is held before its use is noted again. It is
// far below the 48 hours after which an unused one is deleted.
const saltRefresh = time.Hour

// NewVisitors returns a Visitors whose salts lie in the store, sealed under
// the key.
func NewVisitors(salts Salts, key Key) (*Visitors, error) {
	block, err := aes.NewCipher(key.derive("salt"))
	if err != nil {
		return nil, err
	}
	seal, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &Visitors{salts: salts, seal: seal, held: map[saltKey]heldSalt{}}, nil
}

// ID is the number of a visitor: the first eight bytes of an HMAC-SHA256 of
// site, address and user agent under the salt of the site's local day.
func (v *Visitors) ID(ctx context.Context, site string, day pageview.Day, addr, agent string) (uint64, error) {
	salt, err := v.salt(ctx, saltKey{site, day})
	if err != nil {
		return 0, fmt.Errorf("salt of %s on %s: %w", site, day, err)
	}
	m := hmac.New(sha256.New, salt)
	for _, part := range []string{site, addr, agent} {
		m.Write(binary.AppendUvarint(nil, uint64(len(part))))
		io.WriteString(m, part)
	}
	return binary.LittleEndian.Uint64(m.Sum(nil)), nil
}

func (v *Visitors) salt(ctx context.Context, k saltKey) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if h, ok := v.held[k]; ok && time.Since(h.since) < saltRefresh {
		return h.salt, nil
	}
	fresh := make([]byte, 32)
	rand.Read(fresh)
	nonce := make([]byte, v.seal.NonceSize())
	rand.Read(nonce)
	label := fmt.Appendf(nil, "%s\n%d", k.site, k.day)
	sealed, err := v.salts.Salt(ctx, k.site, k.day, v.seal.Seal(nonce, nonce, fresh, label))
	if err != nil {
		return nil, err
	}
	if len(sealed) < len(nonce) {
		return nil, errors.New("the sealed salt is too short")
	}
	salt, err := v.seal.Open(nil, sealed[:len(nonce)], sealed[len(nonce):], label)
	if err != nil {
		return nil, errors.New("the key of the data directory does not open it: put the key file back that was there when the data was made")
	}
	v.forgetOld()
	v.held[k] = heldSalt{salt, time.Now()}
	return salt, nil
}

// forgetOld lets go of salts in memory that are due to be asked for again.
func (v *Visitors) forgetOld() {
	for k, h := range v.held {
		if time.Since(h.since) >= saltRefresh {
			delete(v.held, k)
		}
	}
}
