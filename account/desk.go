package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Hasher makes slow hashes of passwords.
type Hasher interface {
	// Hash is what is kept of a password.
	Hash(ctx context.Context, password string) (hash string, err error)

	// Check tells whether a hash is of a password, and whether it is to be made
	// anew by today's rules. The empty hash is of none, and takes as long.
	Check(ctx context.Context, password, hash string) (ok, old bool, err error)
}

// Config is what a Desk needs.
type Config struct {
	Store  Store
	Hasher Hasher
	Key    Key // seals what authenticators know; only signing in and share links need it
}

// Desk lets people in, and keeps the book of who may. It is safe for concurrent
// use, and any number of processes may have one on the same store.
type Desk struct {
	Config
	mu      sync.Mutex
	visits  map[Hash]visit     // sessions looked up just now
	refused map[Hash]time.Time // who is not to try before when
	peopled bool               // there are users, which does not end
	looked  time.Time          // when it was last asked whether there are
}

// NewDesk returns a Desk.
func NewDesk(c Config) *Desk {
	return &Desk{Config: c, visits: map[Hash]visit{}, refused: map[Hash]time.Time{}}
}

// From is where a request comes from.
type From struct {
	Address string // shortened by Shorten; empty means the console
	Agent   string // what the program calls itself, in a few words
	Device  string // what [Desk.Device] gave this program before; empty means nothing
}

// The reasons for which somebody is not let in, or may not do something.
var (
	// ErrRefused is returned for a wrong name or password, without telling
	// which.
	ErrRefused = errors.New("the name or the password is wrong")

	// ErrCode is returned for a wrong code of an authenticator.
	ErrCode = errors.New("the code is wrong, or was used before")

	// ErrSignedOut is returned for a session that has ended or never was.
	ErrSignedOut = errors.New("nobody is signed in")

	// ErrNoLink is returned for a link that was used, has ended or never was.
	ErrNoLink = errors.New("the link was used, has ended or never was")

	// ErrNotAllowed is returned to who may not do it.
	ErrNotAllowed = errors.New("it takes the role of an owner")

	// ErrExists is returned for a name that is taken.
	ErrExists = errors.New("there is a user of that name")

	// ErrLastOwner is returned for what would leave the installation without
	// an owner.
	ErrLastOwner = errors.New("there would be no owner left")
)

// WaitError tells who has tried too often how long to wait.
type WaitError struct{ Wait time.Duration }

func (e *WaitError) Error() string {
	return fmt.Sprintf("too many attempts: try again in %s", e.Wait.Round(time.Second))
}

// lookAgain is how long what was read of a store is taken for true.
const lookAgain = time.Second

// Peopled tells whether there is any user. Until there is one, nobody can be
// told from anybody.
func (d *Desk) Peopled(ctx context.Context) (bool, error) {
	d.mu.Lock()
	known := d.peopled || time.Since(d.looked) < lookAgain && !d.looked.IsZero()
	peopled := d.peopled
	d.mu.Unlock()
	if known {
		return peopled, nil
	}
	list, err := d.Store.List(ctx, kindUser, "", 1)
	if err != nil {
		return false, fmt.Errorf("look for users: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.peopled, d.looked = len(list) > 0, time.Now()
	return d.peopled, nil
}

// Purge deletes what has ended.
func (d *Desk) Purge(ctx context.Context) error {
	now := time.Now()
	d.mu.Lock()
	for h, v := range d.visits {
		if now.Sub(v.read) > lookAgain {
			delete(d.visits, h)
		}
	}
	for h, until := range d.refused {
		if now.After(until) {
			delete(d.refused, h)
		}
	}
	d.mu.Unlock()
	return d.Store.Purge(ctx, now)
}

// attempts is how often a change is worked out anew when what it was worked out
// from has changed meanwhile.
const attempts = 20

// change works out a change and writes it.
func (d *Desk) change(ctx context.Context, workOut func() ([]Change, error)) error {
	for range attempts {
		changes, err := workOut()
		if err != nil {
			return err
		}
		if err := d.Store.Write(ctx, changes); !errors.Is(err, ErrChanged) {
			return err
		}
	}
	return ErrChanged
}

// read decodes a record.
func (d *Desk) read(ctx context.Context, kind Kind, key string, into any) (Record, error) {
	r, err := d.Store.Get(ctx, kind, key)
	if err != nil {
		return r, err
	}
	return r, r.decode(into)
}

func (r *Record) decode(into any) error {
	if err := json.Unmarshal(r.Body, into); err != nil {
		return fmt.Errorf("read %s %s: %w", r.Kind, r.Key, err)
	}
	return nil
}

// record makes a change of something that JSON can write.
func record(kind Kind, key string, version int64, until time.Time, v any) Change {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // all that is kept is made of texts, numbers and times
	}
	return Change{Record: Record{Kind: kind, Key: key, Version: version, Until: until.Truncate(time.Microsecond), Body: body}}
}

// gone deletes a record.
func gone(r Record) Change { return Change{Record: r, Delete: true} }
