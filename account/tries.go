package account

import (
	"context"
	"crypto/subtle"
	"errors"
	"strings"
	"time"
)

// limit is how often something may be tried: a number at once, then one more
// each interval.
type limit struct {
	once  int
	every time.Duration
}

// Signing in is limited by name and by address. An address is allowed more, since
// people share one; a name comes back soon, so that nobody can lock its owner out
// for long.
var (
	limitName    = limit{10, 30 * time.Second}
	limitAddress = limit{30, 10 * time.Second}
	limitLink    = limit{20, 30 * time.Second} // of the password of a share link, by link
)

// tries is when what was tried so far is forgotten.
type tries struct {
	Until time.Time `json:"until"`
}

// maxRefused bounds how many are remembered in memory as to wait.
const maxRefused = 10_000

// try notes that somebody tries to sign in, before it is known whether they may,
// so that many at once cannot try more often. It fails with a *WaitError.
//
// A browser in which the user has signed in before is limited by itself, so that
// nobody who tries elsewhere can lock the user out.
func (d *Desk) try(ctx context.Context, name string, from From) error {
	if d.knows(from.Device, name) {
		return d.tryKey(ctx, d.whoKey(name, from), limitName)
	}
	if err := d.tryKey(ctx, addressKey(from), limitAddress); err != nil {
		return err
	}
	return d.tryKey(ctx, d.whoKey(name, from), limitName)
}

// whoKey is what attempts for a name are counted by.
func (d *Desk) whoKey(name string, from From) Hash {
	if d.knows(from.Device, name) {
		return hashOf("device " + from.Device)
	}
	return hashOf("name " + name)
}

func addressKey(from From) Hash { return hashOf("address " + from.Address) }
func linkKey(l *Link) Hash      { return hashOf("link " + l.key) }

func (d *Desk) tryKey(ctx context.Context, key Hash, l limit) error {
	d.mu.Lock()
	until, ok := d.refused[key]
	d.mu.Unlock()
	if wait := time.Until(until); ok && wait > 0 {
		return &WaitError{wait} // a flood costs the store nothing
	}
	err := d.change(ctx, func() ([]Change, error) {
		var t tries
		r, err := d.read(ctx, kindTries, key.String(), &t)
		if err != nil && !errors.Is(err, ErrUnknown) {
			return nil, err
		}
		begin := time.Now()
		if t.Until.After(begin) {
			begin = t.Until
		}
		t.Until = begin.Add(l.every)
		if wait := time.Until(t.Until) - time.Duration(l.once)*l.every; wait > 0 {
			return nil, &WaitError{wait}
		}
		return []Change{record(kindTries, key.String(), r.Version, t.Until, t)}, nil
	})
	var wait *WaitError
	switch {
	case errors.As(err, &wait):
	case errors.Is(err, ErrChanged): // more at once than can be counted
		wait = &WaitError{l.every}
		err = wait
	default:
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.refused) >= maxRefused {
		clear(d.refused)
	}
	d.refused[key] = time.Now().Add(wait.Wait)
	return err
}

// forgive forgets what was tried for who was let in. The address keeps what was
// tried from it for other names.
func (d *Desk) forgive(ctx context.Context, name string, from From) error {
	key := d.whoKey(name, from)
	d.mu.Lock()
	delete(d.refused, key)
	d.mu.Unlock()
	err := d.change(ctx, func() ([]Change, error) {
		r, err := d.Store.Get(ctx, kindTries, key.String())
		if errors.Is(err, ErrUnknown) {
			return nil, nil
		}
		return []Change{gone(r)}, err
	})
	if errors.Is(err, ErrChanged) {
		return nil // somebody else tries the same name
	}
	return err
}

// Device is what a program in which a user has signed in may show again, as
// From.Device. It lets nobody in.
func (d *Desk) Device(user string) string {
	nonce := newSecret()
	return nonce + "." + d.Key.mac("device", nonce, user)
}

// knows tells whether a user has signed in before in a program.
func (d *Desk) knows(device, user string) bool {
	nonce, sum, _ := strings.Cut(device, ".")
	return subtle.ConstantTimeCompare([]byte(sum), []byte(d.Key.mac("device", nonce, user))) == 1
}
