package account

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
)

const (
	// sessionIdle is how long a session lasts without being used, sessionLife
	// how long at most.
	sessionIdle, sessionLife = 7 * 24 * time.Hour, 30 * 24 * time.Hour
	// pendingLife is how long a code is waited for.
	pendingLife = 5 * time.Minute
	// sessionNoted is how often it is written down that a session is used.
	sessionNoted = time.Minute
	// maxSessions is how many sessions a user has at most; the one that was
	// used longest ago ends.
	maxSessions = 50
)

// Session is somebody who is signed in.
type Session struct {
	ID      string    `json:"id"` // names it among those of its user; no secret
	User    string    `json:"user"`
	Pending bool      `json:"pending,omitempty"` // the password was right, a code is still to come
	Address string    `json:"address,omitempty"` // shortened
	Agent   string    `json:"agent,omitempty"`
	Created time.Time `json:"created"`
	Used    time.Time `json:"used"`

	key     string
	version int64
}

// ends is when a session ends unless it is used.
func (s *Session) ends() time.Time {
	if s.Pending {
		return s.Created.Add(pendingLife)
	}
	return earlier(s.Used.Add(sessionIdle), s.Created.Add(sessionLife))
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (s *Session) change() Change { return record(kindSession, s.key, s.version, s.ends(), s) }

// newSession makes a session and its secret.
func newSession(user string, pending bool, from From) (Session, string) {
	secret := newSecret()
	key := hashOf(secret).String()
	return Session{
		ID: key[:idDigits], User: user, Pending: pending, Address: from.Address, Agent: from.Agent,
		Created: now(), Used: now(), key: key,
	}, secret
}

// idDigits is how much of a hash names something to people.
const idDigits = 16

// visit is a session that was looked up just now.
type visit struct {
	session Session
	user    User
	read    time.Time
}

// forget looks everything up anew.
func (d *Desk) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.visits)
}

// maxVisits bounds how many sessions are held in memory.
const maxVisits = 10_000

// Session is the session with a secret, and whose it is. It fails with
// ErrSignedOut, or as the store does. A session that was ended elsewhere may be
// taken for good for another second.
func (d *Desk) Session(ctx context.Context, secret string) (Session, User, error) {
	return d.session(ctx, secret, false)
}

func (d *Desk) session(ctx context.Context, secret string, pending bool) (Session, User, error) {
	if secret == "" || len(secret) > maxSecret {
		return Session{}, User{}, ErrSignedOut
	}
	h := hashOf(secret)
	d.mu.Lock()
	v, ok := d.visits[h]
	d.mu.Unlock()
	if !ok || time.Since(v.read) >= lookAgain || pending {
		var err error
		if v, err = d.lookUp(ctx, h); err != nil {
			return Session{}, User{}, err
		}
	}
	if v.session.Pending != pending || !time.Now().Before(v.session.ends()) {
		return Session{}, User{}, ErrSignedOut
	}
	return v.session, v.user, nil
}

// lookUp asks the store for a session, and notes that it is used.
func (d *Desk) lookUp(ctx context.Context, h Hash) (visit, error) {
	v := visit{read: time.Now()}
	r, err := d.read(ctx, kindSession, h.String(), &v.session)
	if err == nil {
		v.session.key, v.session.version = r.Key, r.Version
		v.user, err = d.User(ctx, v.session.User)
	}
	if errors.Is(err, ErrUnknown) {
		return v, ErrSignedOut
	}
	if err != nil {
		return v, err
	}
	s := &v.session
	if time.Now().Before(s.ends()) && !s.Pending && time.Since(s.Used) >= sessionNoted {
		s.Used = now()
		if err := d.Store.Write(ctx, []Change{s.change()}); err != nil && !errors.Is(err, ErrChanged) {
			return v, err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.visits) >= maxVisits {
		clear(d.visits)
	}
	d.visits[h] = v
	return v, nil
}

// Sessions are those of a user, the one that was used last first.
func (d *Desk) Sessions(ctx context.Context, user string) ([]Session, error) {
	var mine []Session
	all, err := d.sessions(ctx)
	for _, s := range all {
		if s.User == user && !s.Pending && time.Now().Before(s.ends()) {
			mine = append(mine, s)
		}
	}
	slices.SortFunc(mine, func(a, b Session) int { return cmp.Or(b.Used.Compare(a.Used), b.Created.Compare(a.Created)) })
	return mine, err
}

func (d *Desk) sessions(ctx context.Context) ([]Session, error) {
	list, err := d.Store.List(ctx, kindSession, "", 0)
	if err != nil {
		return nil, err
	}
	all := make([]Session, len(list))
	for i, r := range list {
		if err := r.decode(&all[i]); err != nil {
			return nil, err
		}
		all[i].key, all[i].version = r.Key, r.Version
	}
	return all, nil
}

// endings are the changes that end sessions.
func (d *Desk) endings(ctx context.Context, which func(Session) bool) (over []Change, err error) {
	all, err := d.sessions(ctx)
	for _, s := range all {
		if which(s) {
			over = append(over, gone(s.change().Record))
		}
	}
	return over, err
}

// SignOut ends the session with a secret.
func (d *Desk) SignOut(ctx context.Context, secret string, from From) error {
	s, u, err := d.Session(ctx, secret)
	if errors.Is(err, ErrSignedOut) {
		return nil
	}
	if err != nil {
		return err
	}
	return d.end(ctx, Actor{&u, from}.did(SignedOut, u.Name), func(other Session) bool { return other.key == s.key })
}

// EndSession ends one of an actor's own sessions; all but the one with the ID
// keep where id is empty.
func (d *Desk) EndSession(ctx context.Context, by Actor, id, keep string) error {
	return d.end(ctx, by.did(SessionEnded, by.User.Name), func(s Session) bool {
		return s.User == by.User.Name && (s.ID == id || id == "" && s.ID != keep)
	})
}

func (d *Desk) end(ctx context.Context, e Entry, which func(Session) bool) error {
	err := d.change(ctx, func() ([]Change, error) {
		over, err := d.endings(ctx, which)
		if len(over) > 0 {
			over = append(over, entry(e))
		}
		return over, err
	})
	d.forget()
	return err
}

// begin are the changes that begin a session of a user in place of an earlier
// one, whose secret is old, so that a secret that somebody knew before is worth
// nothing after; and that end the oldest where there are too many.
func (d *Desk) begin(ctx context.Context, s Session, old string) ([]Change, error) {
	changes := []Change{s.change()}
	mine, err := d.Sessions(ctx, s.User)
	if err != nil {
		return nil, err
	}
	over, err := d.endings(ctx, func(o Session) bool {
		full := len(mine) >= maxSessions && o.key == mine[len(mine)-1].key
		return full || old != "" && o.key == hashOf(old).String()
	})
	return append(changes, over...), err
}
