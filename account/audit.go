package account

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/netip"
	"time"
)

// What is something that somebody did.
type What string

// What is written down. Nothing of it is secret.
const (
	SetUp           What = "set_up" // the first owner came
	SignedIn        What = "signed_in"
	SignInFailed    What = "sign_in_failed"
	SignedOut       What = "signed_out"
	SessionEnded    What = "session_ended"
	PasswordChanged What = "password_changed"
	TOTPOn          What = "totp_on"
	TOTPOff         What = "totp_off"
	TOTPReset       What = "totp_reset"
	RecoveryUsed    What = "recovery_used"
	UserAdded       What = "user_added"
	UserRole        What = "user_role"
	UserRemoved     What = "user_removed"
	LinkMade        What = "link_made"
	LinkUsed        What = "link_used"
	LinkEnded       What = "link_ended"
	TokenMade       What = "token_made"
	TokenRevoked    What = "token_revoked"
	JobActed        What = "job_acted"
	SiteAdded       What = "site_added"
	SiteChanged     What = "site_changed"
	SiteRemoved     What = "site_removed" // with everything that was kept of it
	MessageRetried  What = "message_retried"
)

// Whats lists everything that is written down.
func Whats() []What {
	return []What{
		SetUp, SignedIn, SignInFailed, SignedOut, SessionEnded, PasswordChanged, TOTPOn, TOTPOff, TOTPReset, RecoveryUsed,
		UserAdded, UserRole, UserRemoved, LinkMade, LinkUsed, LinkEnded, TokenMade, TokenRevoked, JobActed,
		SiteAdded, SiteChanged, SiteRemoved, MessageRetried,
	}
}

// Entry is a line in the book of who did what.
type Entry struct {
	At      time.Time `json:"at"`
	Who     string    `json:"who,omitempty"` // a user's name; empty means the console, or nobody who is known
	What    What      `json:"what"`
	About   string    `json:"about,omitempty"`   // whom or what it was done to
	Site    string    `json:"site,omitempty"`    // where; Everywhere is one
	Detail  string    `json:"detail,omitempty"`  // such as a role
	Address string    `json:"address,omitempty"` // shortened; empty means the console

	Key string `json:"-"` // its place in the book
}

const (
	// entryLife is how long an entry is kept.
	entryLife = 365 * 24 * time.Hour
	// maxDetail is how much of a text is kept in an entry, in bytes.
	maxDetail = 300
)

// entry writes a line.
func entry(e Entry) Change {
	e.At = time.Now().UTC().Truncate(time.Millisecond)
	for _, text := range []*string{&e.Who, &e.About, &e.Site, &e.Detail, &e.Address} {
		*text = (*text)[:min(len(*text), maxDetail)]
	}
	var b [6]byte
	rand.Read(b[:])
	key := fmt.Sprintf("%016d-%s", time.Now().UnixMicro(), hex.EncodeToString(b[:]))
	return record(kindEntry, key, 0, e.At.Add(entryLife), e)
}

// Note writes down what somebody did.
func (d *Desk) Note(ctx context.Context, e Entry) error {
	return d.Store.Write(ctx, []Change{entry(e)})
}

// Entries are the last lines of the book, the latest first: those before one
// with the Key before, where that is not empty.
func (d *Desk) Entries(ctx context.Context, before string, limit int) ([]Entry, error) {
	list, err := d.Store.List(ctx, kindEntry, before, limit)
	if err != nil {
		return nil, err
	}
	all := make([]Entry, len(list))
	for i, r := range list {
		if err := r.decode(&all[i]); err != nil {
			return nil, err
		}
		all[i].Key = r.Key
	}
	return all, nil
}

// Shorten is an address without what tells one household from another.
func Shorten(address string) string {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return "unknown"
	}
	bits := 48
	if addr = addr.Unmap().WithZone(""); addr.Is4() {
		bits = 24
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return "unknown"
	}
	return p.Masked().String()
}
