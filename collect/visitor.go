package collect

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
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

// KeptSalts is a store of salts as its owner sees it.
type KeptSalts interface {
	Salts

	// Delete deletes the salts of days that are over and that were last used
	// SaltLife ago, for good. A day of which pageviews come later still gets a
	// new one, and is then one of Renewed.
	Delete(ctx context.Context, now time.Time) error

	// Renewed are the local days of a site whose salt was replaced because
	// pageviews came after it was deleted: somebody may be counted as two
	// visitors on them.
	Renewed(ctx context.Context, site string) ([]pageview.Day, error)
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

	asking  sync.Mutex // held while a salt that is not held is asked for
	mu      sync.Mutex
	hashers sync.Pool // of *hasher
	held    map[saltKey]*heldSalt
	lastKey saltKey   // what was found in held last, which is mostly asked for again; …
	last    *heldSalt // … nil means nothing
}

type saltKey struct {
	site string
	day  pageview.Day
}

// heldSalt is a salt in memory.
type heldSalt struct {
	salt  []byte
	used  time.Time // last
	noted time.Time // when the store was last told that it is used
	asked time.Time // when the store was last asked, with or without an answer
}

const (
	// SaltLife is how long a salt of a day that is over is kept after its last
	// use, in the store and in memory.
	SaltLife = 48 * time.Hour

	saltRefresh = time.Hour        // pause until the use of a salt is noted again
	saltRetry   = 10 * time.Second // pause until a store that gave no answer is asked again
	saltWait    = 5 * time.Second  // for a store that gives no answer
	saltsAhead  = 2                // days whose salts are held before they begin
)

// over tells whether a day has ended in every zone.
func over(day pageview.Day, now time.Time) bool {
	return day < pageview.DayOf(now.UTC().Add(-12*time.Hour))
}

// expired tells whether a salt is due to be forgotten.
func (h *heldSalt) expired(day pageview.Day, now time.Time) bool {
	return now.Sub(h.used) >= SaltLife && over(day, now)
}

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
	return &Visitors{salts: salts, seal: seal, held: map[saltKey]*heldSalt{}}, nil
}

// ID is the number of a visitor: the first eight bytes of an HMAC-SHA256 of
// site, address and user agent under the salt of the site's local day.
//
// While the store of salts gives no answer the salts in memory are used: those
// of the day and of the next two. Beyond that ID fails, and what was seen must
// be refused.
func (v *Visitors) ID(ctx context.Context, site string, day pageview.Day, addr, agent string) (uint64, error) {
	return v.id(ctx, site, day, addr, agent, time.Now())
}

func (v *Visitors) id(ctx context.Context, site string, day pageview.Day, addr, agent string, now time.Time) (uint64, error) {
	salt, err := v.salt(ctx, saltKey{site, day}, now)
	if err != nil {
		return 0, fmt.Errorf("salt of %s on %s: %w", site, day, err)
	}
	h, _ := v.hashers.Get().(*hasher)
	if h == nil || !bytes.Equal(h.salt, salt) {
		h = &hasher{salt: salt, mac: hmac.New(sha256.New, salt)}
	}
	defer v.hashers.Put(h)
	return h.sum(site, addr, agent), nil
}

// hasher hashes under one salt. It is kept, since to begin anew costs more than
// to hash.
type hasher struct {
	salt []byte
	mac  hash.Hash
	buf  []byte
}

func (h *hasher) sum(parts ...string) uint64 {
	h.buf = h.buf[:0]
	for _, part := range parts {
		h.buf = binary.AppendUvarint(h.buf, uint64(len(part)))
		h.buf = append(h.buf, part...)
	}
	h.mac.Reset()
	h.mac.Write(h.buf)
	h.buf = h.mac.Sum(h.buf[:0])
	return binary.LittleEndian.Uint64(h.buf)
}

func (v *Visitors) salt(ctx context.Context, k saltKey, now time.Time) ([]byte, error) {
	if salt, fresh := v.holds(k, now); fresh {
		return salt, nil
	} else if salt != nil {
		// Its use is noted again. That may fail, since the salt is known.
		if v.ask(ctx, k, now) != nil {
			return salt, nil
		}
		v.askAhead(ctx, k, now)
		salt, _ = v.holds(k, now)
		return salt, nil
	}
	v.asking.Lock()
	defer v.asking.Unlock()
	if salt, _ := v.holds(k, now); salt != nil {
		return salt, nil
	}
	if err := v.ask(ctx, k, now); err != nil {
		return nil, err
	}
	v.askAhead(ctx, k, now)
	salt, _ := v.holds(k, now)
	return salt, nil
}

// holds is a salt in memory that is about to be used, or nil. Fresh means that
// the store need not be asked for it by the caller.
func (v *Visitors) holds(k saltKey, now time.Time) (salt []byte, fresh bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.last == nil || v.lastKey != k {
		v.lastKey, v.last = k, v.held[k]
	}
	h := v.last
	if h == nil || h.expired(k.day, now) {
		return nil, false
	}
	h.used = now
	fresh = now.Sub(h.noted) < saltRefresh || now.Sub(h.asked) < saltRetry
	if !fresh {
		h.asked = now
	}
	return h.salt, fresh
}

// askAhead asks for the salts of the days that come next, where a day is not a
// past one. Where that fails the use of the day's salt, noted again in an hour,
// brings another try.
func (v *Visitors) askAhead(ctx context.Context, k saltKey, now time.Time) {
	for next := range pageview.Day(saltsAhead) {
		ahead := saltKey{k.site, k.day + next + 1}
		v.mu.Lock()
		held := v.held[ahead] != nil
		v.mu.Unlock()
		if !held && !over(k.day, now) && v.ask(ctx, ahead, now) != nil {
			return
		}
	}
}

// ask has the store keep a salt and note its use, and holds it.
func (v *Visitors) ask(ctx context.Context, k saltKey, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, saltWait)
	defer cancel()
	fresh := make([]byte, 32)
	rand.Read(fresh)
	nonce := make([]byte, v.seal.NonceSize())
	rand.Read(nonce)
	label := fmt.Appendf(nil, "%s\n%d", k.site, k.day)
	sealed, err := v.salts.Salt(ctx, k.site, k.day, v.seal.Seal(nonce, nonce, fresh, label))
	if err != nil {
		return err
	}
	if len(sealed) < len(nonce) {
		return errors.New("the sealed salt is too short")
	}
	salt, err := v.seal.Open(nil, sealed[:len(nonce)], sealed[len(nonce):], label)
	if err != nil {
		return errors.New("the key of the data directory does not open it: put the key file back that was there when the data was made")
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for k, h := range v.held {
		if h.expired(k.day, now) {
			delete(v.held, k)
		}
	}
	v.held[k], v.last = &heldSalt{salt, now, now, now}, nil
	return nil
}
