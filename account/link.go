package account

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// LinkKind is what a link is good for.
type LinkKind string

// The kinds of links. All but shares are good once.
const (
	Setup      LinkKind = "setup"      // to become the first owner
	Invitation LinkKind = "invitation" // to become a user with a role
	Reset      LinkKind = "reset"      // to choose another password
	Share      LinkKind = "share"      // to see the numbers of a site
)

const (
	setupLife      = 24 * time.Hour
	invitationLife = 7 * 24 * time.Hour
	resetLife      = 24 * time.Hour
	// setupLinks is how many processes may have a link for the first owner.
	setupLinks = 10
	// maxNote is the longest name of a share link in bytes, maxLinks how many
	// links there are at most.
	maxNote, maxLinks = 100, 1000
)

// Link lets in who knows its secret.
type Link struct {
	ID       string    `json:"id"` // names it; no secret
	Kind     LinkKind  `json:"kind"`
	Site     string    `json:"site,omitempty"`
	Role     Role      `json:"role,omitempty"`     // of an invitation
	User     string    `json:"user,omitempty"`     // whose password
	Note     string    `json:"note,omitempty"`     // of a share: its maker's word for it
	Password string    `json:"password,omitempty"` // of a share: hash; empty means that it takes none
	By       string    `json:"by,omitempty"`
	Created  time.Time `json:"created"`
	Until    time.Time `json:"until,omitzero"` // zero means until it is ended

	key     string
	version int64
}

func (l *Link) record() Record { return record(kindLink, l.key, l.version, l.Until, l).Record }

// over tells whether a link has ended.
func (l *Link) over() bool { return !l.Until.IsZero() && !time.Now().Before(l.Until) }

// HasPassword tells whether a share takes a password besides its secret.
func (l *Link) HasPassword() bool { return l.Password != "" }

// ErrMany is returned where there are as many links as there can be.
var ErrMany = fmt.Errorf("there are %d links: end some that are not used any more", maxLinks)

// newLink gives a link its secret.
func newLink(l Link, by Actor, life time.Duration) (Link, string) {
	secret := newSecret()
	l.key = hashOf(secret).String()
	l.ID, l.Created = l.key[:idDigits], now()
	if life > 0 {
		l.Until = l.Created.Add(life)
	}
	if by.User != nil {
		l.By = by.User.Name
	}
	return l, secret
}

// makeLink keeps a new link.
func (d *Desk) makeLink(ctx context.Context, by Actor, l Link, life time.Duration) (secret string, err error) {
	all, err := d.links(ctx)
	if err != nil {
		return "", err
	}
	if len(all) >= maxLinks {
		return "", ErrMany
	}
	l, secret = newLink(l, by, life)
	e := by.did(LinkMade, cmp.Or(l.User, l.Note, l.ID))
	e.Site, e.Detail = l.Site, string(l.Kind)
	return secret, d.Store.Write(ctx, []Change{{Record: l.record()}, entry(e)})
}

// SetupLink makes a link for the first owner; the secret is empty where there is
// a user already.
func (d *Desk) SetupLink(ctx context.Context) (secret string, err error) {
	if peopled, err := d.Peopled(ctx); peopled || err != nil {
		return "", err
	}
	earlier, err := d.Links(ctx, Setup)
	if err != nil {
		return "", err
	}
	for _, l := range earlier[min(len(earlier), setupLinks-1):] {
		if err := d.EndLink(ctx, Actor{}, l.ID); err != nil && !errors.Is(err, ErrNoLink) {
			return "", err
		}
	}
	return d.makeLink(ctx, Actor{}, Link{Kind: Setup, Site: Everywhere, Role: Owner}, setupLife)
}

// Invite makes a link for somebody to become a user with a role at a site.
func (d *Desk) Invite(ctx context.Context, by Actor, site string, role Role) (secret string, err error) {
	if err := CheckRole(role); err != nil {
		return "", err
	}
	if !by.Owns(site) {
		return "", ErrNotAllowed
	}
	return d.makeLink(ctx, by, Link{Kind: Invitation, Site: site, Role: role}, invitationLife)
}

// ResetLink makes a link for a user to choose another password.
func (d *Desk) ResetLink(ctx context.Context, by Actor, name string) (secret string, err error) {
	if !by.Owns(Everywhere) {
		return "", ErrNotAllowed
	}
	u, err := d.User(ctx, name)
	if err != nil {
		return "", err
	}
	return d.makeLink(ctx, by, Link{Kind: Reset, User: u.Name}, resetLife)
}

// ErrNote is returned for a share link without a name, or with a long one.
var ErrNote = fmt.Errorf("a share link has a name of 1 to %d bytes", maxNote)

// ShareLink makes a link to a site's numbers; the password may be empty.
func (d *Desk) ShareLink(ctx context.Context, by Actor, site, note, password string) (secret string, err error) {
	note = strings.TrimSpace(note)
	switch {
	case by.User != nil && !by.User.Role(site).AtLeast(Editor):
		return "", ErrNotAllowed
	case note == "" || len(note) > maxNote:
		return "", ErrNote
	}
	l := Link{Kind: Share, Site: site, Note: note}
	if password != "" {
		if l.Password, err = d.hash(ctx, "", password); err != nil {
			return "", err
		}
	}
	return d.makeLink(ctx, by, l, 0)
}

// links are all that have not ended.
func (d *Desk) links(ctx context.Context) ([]Link, error) {
	list, err := d.Store.List(ctx, kindLink, "", 0)
	if err != nil {
		return nil, err
	}
	var all []Link
	for _, r := range list {
		l := Link{key: r.Key, version: r.Version}
		if err := r.decode(&l); err != nil {
			return nil, err
		}
		if !l.over() {
			all = append(all, l)
		}
	}
	slices.SortFunc(all, func(a, b Link) int { return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID)) })
	return all, nil
}

// Links are those of some kinds that have not ended, the latest first.
func (d *Desk) Links(ctx context.Context, kinds ...LinkKind) ([]Link, error) {
	all, err := d.links(ctx)
	return slices.DeleteFunc(all, func(l Link) bool { return !slices.Contains(kinds, l.Kind) }), err
}

// EndLink ends the link of that ID.
func (d *Desk) EndLink(ctx context.Context, by Actor, id string) error {
	err := d.change(ctx, func() ([]Change, error) {
		all, err := d.links(ctx)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(all, func(l Link) bool { return l.ID == id })
		if i < 0 {
			return nil, ErrNoLink
		}
		l := &all[i]
		if !by.mayEnd(l) {
			return nil, ErrNotAllowed
		}
		e := by.did(LinkEnded, cmp.Or(l.User, l.Note, l.ID))
		e.Site, e.Detail = l.Site, string(l.Kind)
		return []Change{gone(l.record()), entry(e)}, nil
	})
	return err
}

// Link is the link with a secret. It fails with ErrNoLink, or as the store does.
func (d *Desk) Link(ctx context.Context, secret string) (Link, error) {
	var l Link
	if secret == "" || len(secret) > maxSecret {
		return l, ErrNoLink
	}
	r, err := d.read(ctx, kindLink, hashOf(secret).String(), &l)
	l.key, l.version = r.Key, r.Version
	if errors.Is(err, ErrUnknown) || err == nil && l.over() {
		return Link{}, ErrNoLink
	}
	return l, err
}

// Join uses up a link of Setup, Invitation or Reset: whoever has it becomes a
// user of that name, or gets another password. It returns the secret of a new
// session; a user who has an authenticator has to sign in, and gets none.
func (d *Desk) Join(ctx context.Context, secret, name, password string, from From) (session string, err error) {
	if err := d.tryKey(ctx, addressKey(from), limitAddress); err != nil {
		return "", err
	}
	l, err := d.Link(ctx, secret)
	if err != nil {
		return "", err
	}
	if l.Kind == Reset {
		return d.choose(ctx, &l, password, from)
	}
	if l.Kind == Share {
		return "", ErrNoLink
	}
	u, err := d.newUser(ctx, name, password, map[string]Role{l.Site: l.Role})
	if err != nil {
		return "", err
	}
	e := Entry{Who: u.Name, What: LinkUsed, About: u.Name, Site: l.Site, Detail: string(l.Role), Address: from.Address}
	if l.Kind == Setup {
		e.What = SetUp
	}
	s, session := newSession(u.Name, false, from)
	u.SignedIn = now()
	err = d.add(ctx, u, e, func(users []User) ([]Change, error) {
		if l, err = d.Link(ctx, secret); err != nil {
			return nil, err
		}
		if l.Kind == Setup && len(users) > 0 {
			return nil, ErrNoLink
		}
		return []Change{gone(l.record()), s.change()}, nil
	})
	if err != nil {
		return "", err
	}
	d.mu.Lock()
	d.peopled = true
	d.mu.Unlock()
	return session, nil
}

// choose gives a user another password by a link.
func (d *Desk) choose(ctx context.Context, l *Link, password string, from From) (session string, err error) {
	hash, err := d.hash(ctx, l.User, password)
	if err != nil {
		return "", err
	}
	if err := d.Store.Write(ctx, []Change{gone(l.record())}); err != nil {
		if errors.Is(err, ErrChanged) {
			err = ErrNoLink
		}
		return "", err
	}
	var u User
	e := Entry{Who: l.User, What: PasswordChanged, About: l.User, Detail: string(Reset), Address: from.Address}
	if err := d.edit(ctx, l.User, true, e, func(v *User) error { v.Password, u = hash, *v; return nil }); err != nil {
		return "", err
	}
	if u.HasTOTP() {
		return "", nil
	}
	s, session := newSession(l.User, false, from)
	return session, d.Store.Write(ctx, []Change{s.change()})
}

// OpenShare lets in who knows the secret of a share link and its password, and
// returns a proof of it, which is good as long as the link has that password.
func (d *Desk) OpenShare(ctx context.Context, secret, password string, from From) (Link, string, error) {
	l, err := d.Link(ctx, secret)
	if err == nil && l.Kind != Share {
		err = ErrNoLink
	}
	if err != nil || !l.HasPassword() {
		return l, secret + "." + d.proof(&l), err
	}
	if len(password) > maxPassword {
		return l, "", ErrRefused
	}
	if err := errors.Join(d.tryKey(ctx, addressKey(from), limitAddress), d.tryKey(ctx, linkKey(&l), limitLink)); err != nil {
		return l, "", err
	}
	ok, _, err := d.Hasher.Check(ctx, password, l.Password)
	if err == nil && !ok {
		err = ErrRefused
	}
	if err != nil {
		return l, "", err
	}
	return l, secret + "." + d.proof(&l), nil
}

// proof tells that somebody knew the password of a share link.
func (d *Desk) proof(l *Link) string { return d.Key.mac("proof", l.key, l.Password) }

// Shared is the share link that a proof is of. It fails with ErrNoLink, or as the
// store does.
func (d *Desk) Shared(ctx context.Context, proof string) (Link, error) {
	secret, sum, _ := strings.Cut(proof, ".")
	l, err := d.Link(ctx, secret)
	if err != nil {
		return Link{}, err
	}
	if l.Kind != Share || subtle.ConstantTimeCompare([]byte(sum), []byte(d.proof(&l))) != 1 {
		return Link{}, ErrNoLink
	}
	return l, nil
}
