package accounttest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/beforehand-go/beforehand/account"
)

// password is one that is taken.
const password = "correct horse battery"

// somewhere is where the requests of tests come from.
var somewhere = account.From{Address: "203.0.113.0/24", Agent: "Firefox, Linux"}

// Hasher is a hasher that is fast and hides nothing, for tests.
type Hasher struct{ Old bool } // Old: every hash is to be made anew

// Hash implements account.Hasher.
func (h Hasher) Hash(_ context.Context, password string) (string, error) {
	return "hash of " + password, nil
}

// Check implements account.Hasher.
func (h Hasher) Check(_ context.Context, password, hash string) (ok, old bool, err error) {
	ok = strings.HasSuffix(hash, "hash of "+password) && hash != ""
	return ok, h.Old || strings.HasPrefix(hash, "old "), nil
}

func newDesk(s account.Store) *account.Desk {
	return account.NewDesk(account.Config{Store: s, Hasher: Hasher{}})
}

// add makes a user, and returns them as who does something.
func add(t *testing.T, d *account.Desk, name, site string, role account.Role) account.Actor {
	t.Helper()
	if err := d.Add(t.Context(), name, password, map[string]account.Role{site: role}); err != nil {
		t.Fatal(err)
	}
	return actor(t, d, name)
}

// actor is a user as who does something.
func actor(t *testing.T, d *account.Desk, name string) account.Actor {
	t.Helper()
	u, err := d.User(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return account.Actor{User: &u, From: somewhere}
}

// blind hashes so that nothing of a password can be read in its hash.
type blind struct{}

func (blind) Hash(_ context.Context, password string) (string, error) {
	sum := sha256.Sum256([]byte(password))
	return hex.EncodeToString(sum[:]), nil
}

func (h blind) Check(ctx context.Context, password, hash string) (ok, old bool, err error) {
	want, err := h.Hash(ctx, password)
	return want == hash, false, err
}
