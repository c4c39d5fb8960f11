package account

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // what authenticators speak; an HMAC does not need what SHA-1 lacks
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// An authenticator and the server share a secret, and both make a code of it for
// each step of time (RFC 6238, with the values that every authenticator takes).
const (
	totpStep   = 30 * time.Second
	totpDigits = 6
	totpSecret = 20 // bytes
	totpSkew   = 1  // steps that a clock may be off
)

var base32Plain = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewTOTP makes the secret of an authenticator, in the letters and digits that
// people can type.
func NewTOTP() string {
	var b [totpSecret]byte
	rand.Read(b[:])
	return base32Plain.EncodeToString(b[:])
}

// readTOTP reads what NewTOTP makes.
func readTOTP(text string) ([]byte, error) {
	secret, err := base32Plain.DecodeString(text)
	if err != nil || len(secret) != totpSecret {
		return nil, ErrCode
	}
	return secret, nil
}

// TOTPURL is what an authenticator reads from a picture.
func TOTPURL(issuer, name, secret string) string {
	q := "secret=" + secret + "&issuer=" + url.PathEscape(issuer)
	return "otpauth://totp/" + url.PathEscape(issuer) + ":" + url.PathEscape(name) + "?" + q
}

// totpCode is the code of a step.
func totpCode(secret []byte, step int64, digits int) string {
	m := hmac.New(sha1.New, secret)
	m.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := m.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	n := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff
	limit := uint32(1)
	for range digits {
		limit *= 10
	}
	return fmt.Sprintf("%0*d", digits, n%limit)
}

// totpMatch is the step near an instant and after the last one used whose code it
// is; 0 where it is none's.
func totpMatch(secret []byte, code string, at time.Time, last int64) int64 {
	found, now := int64(0), at.Unix()/int64(totpStep/time.Second)
	for step := now - totpSkew; step <= now+totpSkew; step++ {
		same := subtle.ConstantTimeCompare([]byte(totpCode(secret, step, totpDigits)), []byte(code))
		if same == 1 && step > last {
			found = step
		}
	}
	return found
}

// cleanCode is a code without what people put between its characters.
func cleanCode(code string) string {
	return strings.ToUpper(strings.NewReplacer(" ", "", "-", "", "\t", "").Replace(code))
}

const (
	recoveryCodes = 10
	recoveryBytes = 10 // of each: too many to be found by trying hashes
)

// newRecovery makes codes that are written down, and what is kept of them.
func newRecovery() (codes []string, kept []Hash) {
	for range recoveryCodes {
		var b [recoveryBytes]byte
		rand.Read(b[:])
		code := base32Plain.EncodeToString(b[:])
		kept = append(kept, hashOf(code))
		codes = append(codes, code[:4]+"-"+code[4:8]+"-"+code[8:12]+"-"+code[12:])
	}
	return codes, kept
}

// TOTPCode is the code that an authenticator with a secret shows at an instant;
// it is empty for what is no secret of NewTOTP.
func TOTPCode(secret string, at time.Time) string {
	shared, err := readTOTP(secret)
	if err != nil {
		return ""
	}
	return totpCode(shared, at.Unix()/int64(totpStep/time.Second), totpDigits)
}
