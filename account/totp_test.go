package account

import (
	"testing"
	"time"
)

// The vectors are those of RFC 6238, appendix B, for SHA-1.
func TestTOTP(t *testing.T) {
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{
		59: "94287082", 1111111109: "07081804", 1111111111: "14050471",
		1234567890: "89005924", 2000000000: "69279037", 20000000000: "65353130",
	} {
		if got := totpCode(secret, at/30, 8); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
		if step := totpMatch(secret, want[2:], time.Unix(at, 0), 0); step != at/30 {
			t.Errorf("at %d: matched step %d", at, step)
		}
	}
}

func TestTOTPURL(t *testing.T) {
	const want = "otpauth://totp/beforehand%20x:a@example.org?secret=ABC&issuer=beforehand%20x"
	if got := TOTPURL("beforehand x", "a@example.org", "ABC"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
