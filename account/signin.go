package account

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// SignIn lets in who knows a name and its password, and returns the secret of a
// new session in place of the one with the secret old, which may be empty. Where
// a code has to come first, more is true and the secret is good for [Desk.Code]
// only. It fails with ErrRefused, a *WaitError or as the store does, and takes as
// long for a name that nobody has.
func (d *Desk) SignIn(ctx context.Context, name, password, old string, from From) (secret string, more bool, err error) {
	name = CleanName(name)
	if len(name) > maxName || len(password) > maxPassword {
		name, password = "", "" // nobody's
	}
	if err := d.try(ctx, name, from); err != nil {
		return "", false, err
	}
	u, err := d.User(ctx, name)
	known := err == nil
	if err != nil && !errors.Is(err, ErrUnknown) {
		return "", false, err
	}
	ok, outdated, err := d.Hasher.Check(ctx, password, u.Password)
	if err != nil {
		return "", false, err
	}
	if !ok {
		e := Entry{What: SignInFailed, Address: from.Address}
		if known { // another name may be a password in the wrong field
			e.About = name
		}
		return "", false, errors.Join(d.Note(ctx, e), ErrRefused)
	}
	if u.HasTOTP() {
		s, secret := newSession(u.Name, true, from)
		return secret, true, d.Store.Write(ctx, []Change{s.change()})
	}
	secret, err = d.enter(ctx, u.Name, old, from, func(v *User) error {
		return d.rehash(ctx, v, u.Password, password, outdated)
	})
	return secret, false, err
}

// rehash makes the hash of a password anew where it is by rules of the past.
func (d *Desk) rehash(ctx context.Context, u *User, checked, password string, outdated bool) (err error) {
	if u.Password != checked {
		return ErrRefused // it was changed meanwhile
	}
	if outdated {
		u.Password, err = d.Hasher.Hash(ctx, password)
	}
	return err
}

// Code lets in whose password was right and who knows a code: one of the
// authenticator, or one that was written down.
func (d *Desk) Code(ctx context.Context, pending, code, old string, from From) (secret string, err error) {
	s, u, err := d.session(ctx, pending, true)
	if err != nil {
		return "", err
	}
	if err := d.try(ctx, u.Name, from); err != nil {
		return "", err
	}
	recovered := false
	secret, err = d.enter(ctx, u.Name, old, from, func(u *User) (err error) {
		recovered, err = d.useCode(u, code)
		return err
	}, s)
	switch {
	case errors.Is(err, ErrCode):
		return "", errors.Join(d.Note(ctx, Entry{What: SignInFailed, About: u.Name, Address: from.Address}), err)
	case err == nil && recovered:
		err = d.Note(ctx, Actor{&u, from}.did(RecoveryUsed, u.Name))
	}
	return secret, err
}

// useCode uses up a code of a user.
func (d *Desk) useCode(u *User, code string) (recovered bool, err error) {
	code = cleanCode(code)
	if len(code) > totpDigits {
		i := slices.Index(u.Recovery, hashOf(code))
		if i < 0 {
			return false, ErrCode
		}
		u.Recovery = slices.Delete(u.Recovery, i, i+1)
		return true, nil
	}
	secret, err := d.Key.unseal(u.Name, u.TOTP)
	if err != nil {
		return false, err
	}
	step := totpMatch(secret, code, time.Now(), u.Step)
	if step == 0 {
		return false, ErrCode
	}
	u.Step = step
	return false, nil
}

// enter begins a session of a user, and ends others that were on the way to it.
func (d *Desk) enter(ctx context.Context, name, old string, from From, f func(u *User) error, ended ...Session) (string, error) {
	s, secret := newSession(name, false, from)
	err := d.change(ctx, func() ([]Change, error) {
		u, err := d.User(ctx, name)
		if errors.Is(err, ErrUnknown) {
			return nil, ErrRefused
		}
		if err != nil {
			return nil, err
		}
		if err := f(&u); err != nil {
			return nil, err
		}
		u.SignedIn = now()
		changes, err := d.begin(ctx, s, old)
		if err != nil {
			return nil, err
		}
		for _, o := range ended {
			changes = append(changes, gone(o.change().Record))
		}
		return append(changes, userChange(u), entry(Entry{Who: name, What: SignedIn, About: name, Address: from.Address})), nil
	})
	if err != nil {
		return "", err
	}
	d.forget()
	return secret, d.forgive(ctx, name, from)
}

// confirm makes sure that an actor knows their own password.
func (d *Desk) confirm(ctx context.Context, by Actor, password string) error {
	if len(password) > maxPassword {
		return ErrRefused
	}
	if err := d.try(ctx, by.User.Name, by.From); err != nil {
		return err
	}
	ok, _, err := d.Hasher.Check(ctx, password, by.User.Password)
	if err == nil && !ok {
		err = ErrRefused
	}
	if err != nil {
		return err
	}
	return d.forgive(ctx, by.User.Name, by.From)
}

// renew changes an actor's own account, ends all their sessions and returns the
// secret of a new one.
func (d *Desk) renew(ctx context.Context, by Actor, what What, f func(u *User) error) (secret string, err error) {
	if err := d.edit(ctx, by.User.Name, true, by.did(what, by.User.Name), f); err != nil {
		return "", err
	}
	s, secret := newSession(by.User.Name, false, by.From)
	return secret, d.Store.Write(ctx, []Change{s.change()})
}

// ChangePassword gives an actor another password. All their sessions end, and the
// secret of a new one is returned.
func (d *Desk) ChangePassword(ctx context.Context, by Actor, was, password string) (secret string, err error) {
	if err := d.confirm(ctx, by, was); err != nil {
		return "", err
	}
	hash, err := d.hash(ctx, by.User.Name, password)
	if err != nil {
		return "", err
	}
	return d.renew(ctx, by, PasswordChanged, func(u *User) error {
		if u.Password != by.User.Password {
			return ErrChanged
		}
		u.Password = hash
		return nil
	})
}

// TurnOnTOTP has signing in take a code of an authenticator from now on, which
// has the secret and makes that code. All sessions of the actor end; the secret
// of a new one is returned, and codes to write down, which are not kept.
func (d *Desk) TurnOnTOTP(ctx context.Context, by Actor, password, authenticator, code string) (secret string, recovery []string, err error) {
	if err := d.confirm(ctx, by, password); err != nil {
		return "", nil, err
	}
	shared, err := readTOTP(strings.TrimSpace(authenticator))
	if err != nil {
		return "", nil, err
	}
	step := totpMatch(shared, cleanCode(code), time.Now(), 0)
	if step == 0 {
		return "", nil, ErrCode
	}
	codes, kept := newRecovery()
	secret, err = d.renew(ctx, by, TOTPOn, func(u *User) error {
		u.TOTP, u.Step, u.Recovery = d.Key.seal(u.Name, shared), step, kept
		return nil
	})
	return secret, codes, err
}

// TurnOffTOTP lets an actor in without a code again. All their sessions end; the
// secret of a new one is returned.
func (d *Desk) TurnOffTOTP(ctx context.Context, by Actor, password string) (secret string, err error) {
	if err := d.confirm(ctx, by, password); err != nil {
		return "", err
	}
	return d.renew(ctx, by, TOTPOff, func(u *User) error {
		u.TOTP, u.Recovery, u.Step = nil, nil, 0
		return nil
	})
}
