package account

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
)

// Hash is what is kept of a secret: its SHA-256. The secret is random and as
// long as a key, so that nothing slower is needed.
type Hash [sha256.Size]byte

// hashOf is the hash of a secret.
func hashOf(secret string) Hash { return sha256.Sum256([]byte(secret)) }

// String is the hash in hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText writes the hash in hexadecimal digits.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (h *Hash) UnmarshalText(text []byte) error {
	if n, err := hex.Decode(h[:], text); err != nil || n != len(h) {
		return fmt.Errorf("a hash has %d hexadecimal digits", 2*len(h))
	}
	return nil
}

// newSecret makes the secret of a session or a link: 256 random bits.
func newSecret() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// maxSecret is the longest secret in bytes that is looked up.
const maxSecret = 100

// Key is the secret of the installation, which is kept apart from its store.
type Key [32]byte

// derive makes a key for one purpose.
func (k Key) derive(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, k[:], nil, "beforehand account "+purpose, 32)
	if err != nil {
		panic(err) // the length is right
	}
	return key
}

// sealer is a cipher for what has to be read again.
func (k Key) sealer() cipher.AEAD {
	block, err := aes.NewCipher(k.derive("seal"))
	if err != nil {
		panic(err) // the length is right
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // the block is of AES
	}
	return aead
}

// seal encrypts something of a user.
func (k Key) seal(user string, plain []byte) []byte {
	return k.sealer().Seal(nil, nil, plain, []byte(user))
}

// unseal reads what seal wrote for the same user under the same key.
func (k Key) unseal(user string, sealed []byte) ([]byte, error) {
	plain, err := k.sealer().Open(nil, nil, sealed, []byte(user))
	if err != nil {
		return nil, errors.New("the key in the data directory is not the one that the authenticator's secret was sealed under: put back the right one, or reset the authenticator with: beforehand user reset-totp NAME")
	}
	return plain, nil
}

// mac tells for a purpose that some texts were said by who has the key.
func (k Key) mac(purpose string, texts ...string) string {
	m := hmac.New(sha256.New, k.derive(purpose))
	for _, text := range texts {
		fmt.Fprintf(m, "%d:%s", len(text), text)
	}
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}
