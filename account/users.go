package account

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
)

// User is the user of that name.
func (d *Desk) User(ctx context.Context, name string) (User, error) {
	var u User
	r, err := d.read(ctx, kindUser, CleanName(name), &u)
	u.version = r.Version
	return u, err
}

// Users are all users by name.
func (d *Desk) Users(ctx context.Context) ([]User, error) {
	list, err := d.Store.List(ctx, kindUser, "", 0)
	if err != nil {
		return nil, err
	}
	users := make([]User, len(list))
	for i, r := range list {
		if err := r.decode(&users[i]); err != nil {
			return nil, err
		}
		users[i].version = r.Version
	}
	slices.SortFunc(users, func(a, b User) int { return strings.Compare(a.Name, b.Name) })
	return users, nil
}

// userChange is a user as they are to be.
func userChange(u User) Change { return record(kindUser, u.Name, u.version, time.Time{}, u) }

// roster has two changes of users exclude each other, so that what depends on all
// of them can be judged.
func (d *Desk) roster(ctx context.Context) (Change, error) {
	r, err := d.Store.Get(ctx, kindRoster, "")
	if err != nil && !errors.Is(err, ErrUnknown) {
		return Change{}, err
	}
	return record(kindRoster, "", r.Version, time.Time{}, struct{}{}), nil
}

// owned tells whether the installation has an owner besides one user.
func owned(users []User, besides string) bool {
	return slices.ContainsFunc(users, func(u User) bool { return u.OwnsAll() && u.Name != besides })
}

// register reads all users, and before them what is to be written of the roster,
// so that a change is refused where another one came between.
func (d *Desk) register(ctx context.Context) (roster Change, users []User, err error) {
	if roster, err = d.roster(ctx); err == nil {
		users, err = d.Users(ctx)
	}
	return roster, users, err
}

// edit changes one user. Where it takes rights or a password from them, ends is
// true, and their sessions end.
func (d *Desk) edit(ctx context.Context, name string, ends bool, e Entry, f func(u *User) error) error {
	name = CleanName(name)
	err := d.change(ctx, func() ([]Change, error) {
		roster, users, err := d.register(ctx)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(users, func(u User) bool { return u.Name == name })
		if i < 0 {
			return nil, ErrUnknown
		}
		u := users[i]
		u.Roles, u.Recovery = maps.Clone(u.Roles), slices.Clone(u.Recovery)
		if err := f(&u); err != nil {
			return nil, err
		}
		if !u.OwnsAll() && !owned(users, name) {
			return nil, ErrLastOwner
		}
		changes := []Change{roster, userChange(u), entry(e)}
		if ends {
			over, err := d.endings(ctx, func(s Session) bool { return s.User == name })
			return append(changes, over...), err
		}
		return changes, nil
	})
	d.forget()
	return err
}

// Add makes a user, from the console.
func (d *Desk) Add(ctx context.Context, name, password string, roles map[string]Role) error {
	u, err := d.newUser(ctx, name, password, roles)
	if err != nil {
		return err
	}
	return d.add(ctx, u, Entry{What: UserAdded, About: u.Name}, nil)
}

// newUser is a user with a password, as yet unknown to the store.
func (d *Desk) newUser(ctx context.Context, name, password string, roles map[string]Role) (User, error) {
	name = CleanName(name)
	if err := CheckName(name); err != nil {
		return User{}, err
	}
	if err := CheckPassword(name, password); err != nil {
		return User{}, err
	}
	hash, err := d.Hasher.Hash(ctx, password)
	return User{Name: name, Roles: roles, Password: hash, Created: now()}, err
}

// add keeps a new user; also, which may be nil, is what has to be true besides
// and is to change with it.
func (d *Desk) add(ctx context.Context, u User, e Entry, also func(users []User) ([]Change, error)) error {
	return d.change(ctx, func() ([]Change, error) {
		roster, users, err := d.register(ctx)
		if err != nil {
			return nil, err
		}
		changes := []Change{roster, userChange(u), entry(e)}
		if also != nil {
			more, err := also(users)
			if err != nil {
				return nil, err
			}
			changes = append(changes, more...)
		}
		switch {
		case slices.ContainsFunc(users, func(v User) bool { return v.Name == u.Name }):
			return nil, ErrExists
		case !u.OwnsAll() && !owned(users, ""):
			return nil, ErrLastOwner
		}
		return changes, nil
	})
}

// SetRole gives a user a role at a site, or none where the role is empty. Their
// sessions end.
func (d *Desk) SetRole(ctx context.Context, by Actor, name, site string, role Role) error {
	if role != "" {
		if err := CheckRole(role); err != nil {
			return err
		}
	}
	if !by.Owns(site) {
		return ErrNotAllowed
	}
	e := by.did(UserRole, CleanName(name))
	e.Site, e.Detail = site, string(role)
	return d.edit(ctx, name, true, e, func(u *User) error {
		if role == "" {
			delete(u.Roles, site)
			return nil
		}
		u.Roles[site] = role
		return nil
	})
}

// Remove deletes a user with their sessions.
func (d *Desk) Remove(ctx context.Context, by Actor, name string) error {
	if !by.Owns(Everywhere) {
		return ErrNotAllowed
	}
	name = CleanName(name)
	err := d.change(ctx, func() ([]Change, error) {
		roster, users, err := d.register(ctx)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(users, func(u User) bool { return u.Name == name })
		switch {
		case i < 0:
			return nil, ErrUnknown
		case !owned(users, name):
			return nil, ErrLastOwner
		}
		changes, err := d.endings(ctx, func(s Session) bool { return s.User == name })
		if err != nil {
			return nil, err
		}
		links, err := d.links(ctx)
		if err != nil {
			return nil, err
		}
		for _, l := range links {
			if l.User == name {
				changes = append(changes, gone(l.record()))
			}
		}
		return append(changes, roster, gone(userChange(users[i]).Record), entry(by.did(UserRemoved, name))), nil
	})
	d.forget()
	return err
}

// SetPassword gives a user another password, and ends their sessions. It is for
// the console; a user changes their own with ChangePassword.
func (d *Desk) SetPassword(ctx context.Context, name, password string) error {
	name = CleanName(name)
	hash, err := d.hash(ctx, name, password)
	if err != nil {
		return err
	}
	return d.edit(ctx, name, true, Entry{What: PasswordChanged, About: name}, func(u *User) error {
		u.Password = hash
		return nil
	})
}

func (d *Desk) hash(ctx context.Context, name, password string) (string, error) {
	if err := CheckPassword(name, password); err != nil {
		return "", err
	}
	return d.Hasher.Hash(ctx, password)
}

// ResetTOTP lets a user in without a code again, and ends their sessions.
func (d *Desk) ResetTOTP(ctx context.Context, by Actor, name string) error {
	if !by.Owns(Everywhere) {
		return ErrNotAllowed
	}
	name = CleanName(name)
	return d.edit(ctx, name, true, by.did(TOTPReset, name), func(u *User) error {
		u.TOTP, u.Recovery, u.Step = nil, nil, 0
		return nil
	})
}

// now is the present to the second, which is as exact as what is kept.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
