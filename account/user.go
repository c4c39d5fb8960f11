package account

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// User is a person with an account.
type User struct {
	Name     string          `json:"name"`
	Roles    map[string]Role `json:"roles"`              // by site; Everywhere is one
	Password string          `json:"password"`           // hash
	TOTP     []byte          `json:"totp,omitempty"`     // sealed; empty means that none is asked for
	Step     int64           `json:"step,omitempty"`     // of the last code that was used
	Recovery []Hash          `json:"recovery,omitempty"` // codes that stand for one of the authenticator, once each
	Created  time.Time       `json:"created"`
	SignedIn time.Time       `json:"signed_in,omitzero"` // last; zero means never

	version int64
}

// Role is what a user may do at a site.
func (u *User) Role(site string) Role {
	all, one := u.Roles[Everywhere], u.Roles[site]
	if one.AtLeast(all) {
		return one
	}
	return all
}

// At are the names of the sites at which a user has at least a role;
// everywhere tells that it is every site.
func (u *User) At(least Role) (sites []string, everywhere bool) {
	for site := range maps.Keys(u.Roles) {
		if site != Everywhere && u.Role(site).AtLeast(least) {
			sites = append(sites, site)
		}
	}
	return sites, u.Roles[Everywhere].AtLeast(least)
}

// OwnsAll tells whether the installation is the user's.
func (u *User) OwnsAll() bool { return u.Roles[Everywhere] == Owner }

// HasTOTP tells whether signing in takes a code of an authenticator.
func (u *User) HasTOTP() bool { return len(u.TOTP) > 0 }

const (
	// maxName is the longest name of a user in bytes.
	maxName = 100
	// minPassword is how many characters a password has at least, maxPassword
	// how many bytes at most.
	minPassword, maxPassword = 12, 256
)

// CleanName is a name as it is kept: nobody is let in by another than who looks
// the same.
func CleanName(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// ErrName is returned for a name that no user can have.
var ErrName = fmt.Errorf("a name is 1 to %d letters, digits and any of . _ - + @", maxName)

// CheckName refuses what cannot be a user's name; an address of mail can.
func CheckName(name string) error {
	odd := func(r rune) bool {
		return r == utf8.RuneError || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-+@", r)
	}
	if name == "" || len(name) > maxName || name != CleanName(name) || strings.ContainsFunc(name, odd) {
		return ErrName
	}
	return nil
}

// The reasons for which a password is not taken.
var (
	ErrShort  = fmt.Errorf("a password has at least %d characters", minPassword)
	ErrLong   = fmt.Errorf("a password has at most %d bytes", maxPassword)
	ErrSimple = errors.New("a password is more than a name or the same few characters again")
)

// CheckPassword refuses a password that is guessed first.
func CheckPassword(name, password string) error {
	switch {
	case utf8.RuneCountInString(password) < minPassword:
		return ErrShort
	case len(password) > maxPassword:
		return ErrLong
	}
	seen := map[rune]bool{}
	for _, r := range password {
		seen[r] = true
	}
	rest := strings.ReplaceAll(strings.ToLower(password), name, "")
	if len(seen) < 5 || name != "" && utf8.RuneCountInString(rest) < minPassword/2 {
		return ErrSimple
	}
	return nil
}
