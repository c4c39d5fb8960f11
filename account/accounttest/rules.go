package accounttest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/account"
)

// RunRules holds a Desk on a store without files or sockets to its rules, each in
// a bubble of time.
func RunRules(t *testing.T, newStore func() account.Store) {
	for name, rule := range map[string]func(*testing.T, account.Store){
		"a session ends when it is not used, and at last":        sessionEnds,
		"a session is another after signing in":                  sessionChanges,
		"a user has so many sessions":                            manySessions,
		"whoever tries too often has to wait":                    tooOften,
		"trying elsewhere locks nobody out":                      nobodyLockedOut,
		"an unknown name is answered like a wrong password":      unknownName,
		"an old hash is made anew":                               oldHash,
		"a code is good once, near its time":                     codes,
		"a code that was written down is good once":              recovery,
		"a code is waited for for five minutes":                  codeInTime,
		"another password ends all sessions":                     otherPassword,
		"another role ends all sessions":                         otherRole,
		"an owner of a site decides for that site only":          siteOwner,
		"an invitation is good once and for a week":              invitation,
		"a link to choose a password is good once and for a day": resetLink,
		"a share link shows what its password opens":             share,
		"what was done is written down without secrets":          book,
		"what has ended is forgotten":                            forgotten,
		"a site that was removed is nobody's":                    removedSite,
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { rule(t, newStore()) }) })
	}
}

// signIn lets a user in who has no authenticator.
func signIn(t *testing.T, d *account.Desk, name, password string) (secret string) {
	t.Helper()
	secret, more, err := d.SignIn(t.Context(), name, password, "", somewhere)
	if err != nil || more || secret == "" {
		t.Fatalf("sign in: code to come %v, %v", more, err)
	}
	return secret
}

// in tells whether a session lasts, and the store says so too.
func in(t *testing.T, d *account.Desk, secret string) bool {
	t.Helper()
	_, _, err := d.Session(t.Context(), secret)
	if err != nil && !errors.Is(err, account.ErrSignedOut) {
		t.Fatal(err)
	}
	return err == nil
}

func want(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

const day = 24 * time.Hour

func sessionEnds(t *testing.T, s account.Store) {
	d := newDesk(s)
	add(t, d, "a", account.Everywhere, account.Owner)
	idle, busy := signIn(t, d, "a", password), signIn(t, d, "a", password)
	for i := range 30 {
		if !in(t, d, busy) || i == 6 && !in(t, d, idle) {
			t.Fatalf("a session ended after %d days", i)
		}
		time.Sleep(day)
		if i > 13 && in(t, d, idle) {
			t.Fatal("a session lasts that was not used for a week")
		}
	}
	if in(t, d, busy) || in(t, newDesk(s), busy) {
		t.Error("a session lasts for more than 30 days")
	}
}

func sessionChanges(t *testing.T, s account.Store) {
	d := newDesk(s)
	add(t, d, "a", account.Everywhere, account.Owner)
	old := signIn(t, d, "a", password)
	secret, _, err := d.SignIn(t.Context(), "A ", password, old, somewhere)
	if err != nil || secret == old || in(t, d, old) || !in(t, d, secret) {
		t.Errorf("the session before: %v; the one after: %v; %v", in(t, d, old), in(t, d, secret), err)
	}
	for _, planted := range []string{"", "planted", strings.Repeat("x", 200)} {
		if in(t, d, planted) {
			t.Errorf("a session of %q", planted)
		}
	}
	want(t, "sign out", d.SignOut(t.Context(), secret, somewhere), nil)
	want(t, "sign out again", d.SignOut(t.Context(), secret, somewhere), nil)
	if in(t, d, secret) || in(t, newDesk(s), secret) {
		t.Error("signed out, and still in")
	}
}

func manySessions(t *testing.T, s account.Store) {
	d := newDesk(s)
	a := add(t, d, "a", account.Everywhere, account.Owner)
	first := signIn(t, d, "a", password)
	for range 60 {
		time.Sleep(time.Minute)
		signIn(t, d, "a", password)
	}
	mine, err := d.Sessions(t.Context(), "a")
	if err != nil || len(mine) != 50 || in(t, d, first) {
		t.Errorf("%d sessions, %v", len(mine), err)
	}
	want(t, "end one", d.EndSession(t.Context(), a, mine[3].ID, ""), nil)
	if left, _ := d.Sessions(t.Context(), "a"); len(left) != 49 {
		t.Errorf("%d sessions after one was ended", len(left))
	}
	want(t, "end the others", d.EndSession(t.Context(), a, "", mine[0].ID), nil)
	if left, _ := d.Sessions(t.Context(), "a"); len(left) != 1 || left[0].ID != mine[0].ID {
		t.Errorf("left %+v, want %+v", left, mine[0])
	}
}

// tries signs in with a wrong password until it has to wait.
func tries(t *testing.T, d *account.Desk, name string, from account.From) (n int, wait time.Duration) {
	t.Helper()
	for ; n < 100; n++ {
		_, _, err := d.SignIn(t.Context(), name, "a wrong password", "", from)
		var w *account.WaitError
		if errors.As(err, &w) {
			return n, w.Wait
		}
		want(t, "wrong password", err, account.ErrRefused)
	}
	return n, 0
}

func tooOften(t *testing.T, s account.Store) {
	d := newDesk(s)
	add(t, d, "a", account.Everywhere, account.Owner)
	if n, wait := tries(t, d, "a", somewhere); n != 10 || wait != 30*time.Second {
		t.Errorf("%d tries, then a wait of %s", n, wait)
	}
	if n, _ := tries(t, newDesk(s), "a", account.From{Address: "198.51.100.0/24"}); n != 0 {
		t.Errorf("%d more tries at another process from another address", n)
	}
	var wait *account.WaitError
	if _, _, err := d.SignIn(t.Context(), "a", password, "", somewhere); !errors.As(err, &wait) {
		t.Errorf("the right password while waiting: %v", err)
	}
	time.Sleep(31 * time.Second)
	if n, _ := tries(t, d, "a", somewhere); n != 1 {
		t.Errorf("%d tries after the wait", n)
	}
	time.Sleep(time.Hour)
	signIn(t, d, "a", password)
	all := 0
	for i := range 20 { // one address, many names
		n, _ := tries(t, d, fmt.Sprintf("name%d", i), account.From{Address: "192.0.2.0/24"})
		all += n
	}
	if all != 28 { // 30 less the two that names were refused for
		t.Errorf("%d tries from one address", all)
	}
}

func nobodyLockedOut(t *testing.T, s account.Store) {
	d := newDesk(s)
	add(t, d, "a", account.Everywhere, account.Owner)
	known := somewhere
	known.Device = d.Device("a")
	if n, _ := tries(t, d, "a", somewhere); n != 10 {
		t.Errorf("%d tries", n)
	}
	if _, _, err := d.SignIn(t.Context(), "a", password, "", known); err != nil {
		t.Errorf("where the user has signed in before: %v", err)
	}
	if n, _ := tries(t, d, "a", known); n != 10 {
		t.Errorf("%d tries there", n)
	}
	forged := somewhere
	forged.Device = d.Device("b") + "x"
	if n, _ := tries(t, d, "b", forged); n > 10 {
		t.Errorf("%d tries with what is of no desk", n)
	}
}

func unknownName(t *testing.T, s account.Store) {
	d := newDesk(s)
	add(t, d, "a", account.Everywhere, account.Owner)
	for _, name := range []string{"a", "b", "", strings.Repeat("b", 1000), "<script>", "b\x00"} {
		_, more, err := d.SignIn(t.Context(), name, "a wrong password", "", somewhere)
		if more || err == nil || err.Error() != account.ErrRefused.Error() {
			t.Errorf("%.20q: %v, %v", name, more, err)
		}
	}
	if n, _ := tries(t, d, "nobody", account.From{Address: "192.0.2.0/24"}); n != 10 {
		t.Errorf("%d tries for a name that nobody has", n)
	}
	if _, _, err := d.SignIn(t.Context(), "a", strings.Repeat("x", 10_000), "", account.From{}); !errors.Is(err, account.ErrRefused) {
		t.Errorf("a long password: %v", err)
	}
}

func oldHash(t *testing.T, s account.Store) {
	d := newDesk(s)
	add(t, d, "a", account.Everywhere, account.Owner)
	d.Hasher = Hasher{Old: true}
	want(t, "set password", d.SetPassword(t.Context(), "a", password), nil)
	rec, err := s.Get(t.Context(), "user", "a")
	if err != nil {
		t.Fatal(err)
	}
	rec.Body = bytes.Replace(rec.Body, []byte(`"hash of`), []byte(`"old hash of`), 1)
	write(t, s, account.Change{Record: rec})
	d.Hasher = Hasher{}
	signIn(t, d, "a", password)
	if u, err := d.User(t.Context(), "a"); err != nil || u.Password != "hash of "+password {
		t.Errorf("kept is %q, %v", u.Password, err)
	}
}

// authenticator turns on a user's authenticator and returns its secret, with
// codes to write down.
func authenticator(t *testing.T, d *account.Desk, a account.Actor) (secret string, written []string) {
	t.Helper()
	secret = account.NewTOTP()
	_, _, err := d.TurnOnTOTP(t.Context(), a, password, secret, "000000")
	want(t, "turn on with a wrong code", err, account.ErrCode)
	_, _, err = d.TurnOnTOTP(t.Context(), a, "a wrong password", secret, account.TOTPCode(secret, time.Now()))
	want(t, "turn on with a wrong password", err, account.ErrRefused)
	_, written, err = d.TurnOnTOTP(t.Context(), a, password, secret, account.TOTPCode(secret, time.Now()))
	if err != nil || len(written) != 10 {
		t.Fatalf("turn on: %d codes, %v", len(written), err)
	}
	return secret, written
}

// pending gives the password of a user who has an authenticator.
func pending(t *testing.T, d *account.Desk) string {
	t.Helper()
	secret, more, err := d.SignIn(t.Context(), "a", password, "", somewhere)
	if err != nil || !more {
		t.Fatalf("sign in: code to come %v, %v", more, err)
	}
	if in(t, d, secret) {
		t.Fatal("in without a code")
	}
	return secret
}

func codes(t *testing.T, s account.Store) {
	d := newDesk(s)
	a := add(t, d, "a", account.Everywhere, account.Owner)
	before := signIn(t, d, "a", password)
	secret, _ := authenticator(t, d, a)
	if in(t, d, before) {
		t.Error("a session from before lasts")
	}
	code := func() string { return account.TOTPCode(secret, time.Now()) }
	_, err := d.Code(t.Context(), pending(t, d), code(), "", somewhere)
	want(t, "the code that turned it on", err, account.ErrCode)
	time.Sleep(30 * time.Second)
	way := pending(t, d)
	got, err := d.Code(t.Context(), way, code()[:3]+" "+code()[3:], "", somewhere)
	if err != nil || !in(t, d, got) {
		t.Fatalf("the next code: %v", err)
	}
	_, err = d.Code(t.Context(), way, code(), "", somewhere)
	want(t, "the same password again", err, account.ErrSignedOut)
	_, err = d.Code(t.Context(), pending(t, d), code(), "", somewhere)
	want(t, "the same code again", err, account.ErrCode)
	_, err = d.Code(t.Context(), got, code(), "", somewhere)
	want(t, "a session in place of the password", err, account.ErrSignedOut)
	for off, good := range map[time.Duration]error{-time.Minute: account.ErrCode, time.Minute: account.ErrCode, 30 * time.Second: nil} {
		time.Sleep(5 * time.Minute)
		_, err = d.Code(t.Context(), pending(t, d), account.TOTPCode(secret, time.Now().Add(off)), "", somewhere)
		want(t, fmt.Sprintf("a code of %s away", off), err, good)
	}
	_, err = d.TurnOffTOTP(t.Context(), actor(t, d, "a"), "a wrong password")
	want(t, "turn off with a wrong password", err, account.ErrRefused)
	_, err = d.TurnOffTOTP(t.Context(), actor(t, d, "a"), password)
	want(t, "turn off", err, nil)
	signIn(t, d, "a", password)
}

func recovery(t *testing.T, s account.Store) {
	d := newDesk(s)
	_, written := authenticator(t, d, add(t, d, "a", account.Everywhere, account.Owner))
	if len(slices.Compact(slices.Sorted(slices.Values(written)))) != 10 {
		t.Errorf("codes %q", written)
	}
	got, err := d.Code(t.Context(), pending(t, d), " "+strings.ToLower(written[4]), "", somewhere)
	if err != nil || !in(t, d, got) {
		t.Fatal(err)
	}
	_, err = d.Code(t.Context(), pending(t, d), written[4], "", somewhere)
	want(t, "the same again", err, account.ErrCode)
	_, err = d.Code(t.Context(), pending(t, d), written[5], "", somewhere)
	want(t, "another", err, nil)
	want(t, "reset", d.ResetTOTP(t.Context(), account.Actor{}, "a"), nil)
	if in(t, d, got) {
		t.Error("a session from before lasts")
	}
	signIn(t, d, "a", password)
}

func codeInTime(t *testing.T, s account.Store) {
	d := newDesk(s)
	secret, _ := authenticator(t, d, add(t, d, "a", account.Everywhere, account.Owner))
	time.Sleep(time.Minute)
	way := pending(t, d)
	time.Sleep(5 * time.Minute)
	_, err := d.Code(t.Context(), way, account.TOTPCode(secret, time.Now()), "", somewhere)
	want(t, "after five minutes", err, account.ErrSignedOut)
}

func otherPassword(t *testing.T, s account.Store) {
	d := newDesk(s)
	a := add(t, d, "a", account.Everywhere, account.Owner)
	before := signIn(t, d, "a", password)
	const other = "staple another battery"
	_, err := d.ChangePassword(t.Context(), a, "a wrong password", other)
	want(t, "with a wrong one", err, account.ErrRefused)
	for text, reason := range map[string]error{
		"short": account.ErrShort, strings.Repeat("long", 100): account.ErrLong, "aaaaaaaaaaaaaaaa": account.ErrSimple,
	} {
		_, err = d.ChangePassword(t.Context(), a, password, text)
		want(t, text, err, reason)
	}
	after, err := d.ChangePassword(t.Context(), a, password, other)
	if err != nil || in(t, d, before) || !in(t, d, after) {
		t.Errorf("the session before: %v; the one after: %v; %v", in(t, d, before), in(t, d, after), err)
	}
	_, _, err = d.SignIn(t.Context(), "a", password, "", somewhere)
	want(t, "the old one", err, account.ErrRefused)
	signIn(t, d, "a", other)
	_, err = d.ChangePassword(t.Context(), a, password, password)
	want(t, "by who knew only the old one", err, account.ErrChanged)
	want(t, "by the console", d.SetPassword(t.Context(), "a", password), nil)
	if in(t, d, after) {
		t.Error("a session from before lasts")
	}
}

func otherRole(t *testing.T, s account.Store) {
	d := newDesk(s)
	a, b := add(t, d, "a", account.Everywhere, account.Owner), add(t, d, "b", "blog", account.Viewer)
	secret := signIn(t, d, "b", password)
	want(t, "by a viewer", d.SetRole(t.Context(), b, "b", "blog", account.Owner), account.ErrNotAllowed)
	want(t, "no role", d.SetRole(t.Context(), a, "b", "blog", "king"), account.ErrRole)
	want(t, "of nobody", d.SetRole(t.Context(), a, "nobody", "blog", account.Owner), account.ErrUnknown)
	want(t, "of the last owner", d.SetRole(t.Context(), a, "a", account.Everywhere, account.Editor), account.ErrLastOwner)
	want(t, "by an owner", d.SetRole(t.Context(), a, "b", "blog", account.Editor), nil)
	if u, err := d.User(t.Context(), "b"); err != nil || u.Role("blog") != account.Editor || u.Role("shop") != "" {
		t.Errorf("%+v, %v", u.Roles, err)
	}
	if in(t, d, secret) || in(t, newDesk(s), secret) {
		t.Error("a session from before lasts")
	}
	secret = signIn(t, d, "b", password)
	want(t, "removed", d.Remove(t.Context(), a, "b"), nil)
	want(t, "removed again", d.Remove(t.Context(), a, "b"), account.ErrUnknown)
	want(t, "the last owner removed", d.Remove(t.Context(), a, "a"), account.ErrLastOwner)
	if in(t, d, secret) {
		t.Error("a session of who was removed lasts")
	}
	add(t, d, "b", "blog", account.Viewer)
	if in(t, d, secret) {
		t.Error("a session of who had the name before")
	}
}

func siteOwner(t *testing.T, s account.Store) {
	d := newDesk(s)
	add(t, d, "a", account.Everywhere, account.Owner)
	b := add(t, d, "b", "blog", account.Owner)
	add(t, d, "c", "shop", account.Viewer)
	_, err := d.Invite(t.Context(), b, "blog", account.Owner)
	want(t, "invite to the own site", err, nil)
	for _, site := range []string{"shop", account.Everywhere, ""} {
		_, err := d.Invite(t.Context(), b, site, account.Viewer)
		want(t, "invite to "+site, err, account.ErrNotAllowed)
		want(t, "role at "+site, d.SetRole(t.Context(), b, "c", site, account.Viewer), account.ErrNotAllowed)
	}
	want(t, "role at the own site", d.SetRole(t.Context(), b, "c", "blog", account.Editor), nil)
	want(t, "remove", d.Remove(t.Context(), b, "c"), account.ErrNotAllowed)
	want(t, "reset", d.ResetTOTP(t.Context(), b, "a"), account.ErrNotAllowed)
	_, err = d.ResetLink(t.Context(), b, "a")
	want(t, "reset link", err, account.ErrNotAllowed)
	c := actor(t, d, "c")
	_, err = d.ShareLink(t.Context(), c, "blog", "for all", "")
	want(t, "a share of an editor", err, nil)
	_, err = d.ShareLink(t.Context(), c, "shop", "for all", "")
	want(t, "a share of a viewer", err, account.ErrNotAllowed)
	if got := c.Sites([]string{"blog", "shop", "x"}, account.Editor); !slices.Equal(got, []string{"blog"}) {
		t.Errorf("an editor of %q", got)
	}
}

func invitation(t *testing.T, s account.Store) {
	d := newDesk(s)
	a := add(t, d, "a", account.Everywhere, account.Owner)
	link, err := d.Invite(t.Context(), a, "blog", account.Viewer)
	want(t, "invite", err, nil)
	for name, reason := range map[string]error{"a": account.ErrExists, "": account.ErrName, "x y": account.ErrName, "a/b": account.ErrName} {
		_, err := d.Join(t.Context(), link, name, password, somewhere)
		want(t, "as "+name, err, reason)
	}
	_, err = d.Join(t.Context(), link, "new@example.org", "short", somewhere)
	want(t, "with a short password", err, account.ErrShort)
	secret, err := d.Join(t.Context(), link, " New@Example.org", password, somewhere)
	if err != nil || !in(t, d, secret) {
		t.Fatal(err)
	}
	if u, err := d.User(t.Context(), "new@example.org"); err != nil || len(u.Roles) != 1 || u.Role("blog") != account.Viewer {
		t.Errorf("%+v, %v", u, err)
	}
	_, err = d.Join(t.Context(), link, "another", password, somewhere)
	want(t, "again", err, account.ErrNoLink)
	if link, err = d.Invite(t.Context(), a, "blog", account.Viewer); err != nil {
		t.Fatal(err)
	}
	time.Sleep(7 * day)
	_, err = d.Join(t.Context(), link, "another", password, somewhere)
	want(t, "after a week", err, account.ErrNoLink)
	link, _ = d.Invite(t.Context(), a, "blog", account.Viewer)
	all, err := d.Links(t.Context(), account.Invitation)
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	want(t, "end", d.EndLink(t.Context(), a, all[0].ID), nil)
	_, err = d.Join(t.Context(), link, "another", password, somewhere)
	want(t, "after it was ended", err, account.ErrNoLink)
}

func resetLink(t *testing.T, s account.Store) {
	d := newDesk(s)
	a := add(t, d, "a", account.Everywhere, account.Owner)
	add(t, d, "b", "blog", account.Viewer)
	before := signIn(t, d, "b", password)
	link, err := d.ResetLink(t.Context(), a, "b")
	want(t, "make", err, nil)
	const other = "staple another battery"
	secret, err := d.Join(t.Context(), link, "ignored", other, somewhere)
	if err != nil || !in(t, d, secret) || in(t, d, before) {
		t.Fatalf("%v", err)
	}
	_, err = d.Join(t.Context(), link, "b", password, somewhere)
	want(t, "again", err, account.ErrNoLink)
	link, _ = d.ResetLink(t.Context(), a, "a")
	authenticator(t, d, a)
	secret, err = d.Join(t.Context(), link, "", other, somewhere)
	if err != nil || secret != "" {
		t.Errorf("a link in place of a code: %v", err)
	}
}

func share(t *testing.T, s account.Store) {
	d := newDesk(s)
	a := add(t, d, "a", account.Everywhere, account.Owner)
	_, err := d.ShareLink(t.Context(), a, "blog", " ", "")
	want(t, "without a name", err, account.ErrNote)
	open, err := d.ShareLink(t.Context(), a, "blog", "for all", "")
	want(t, "without a password", err, nil)
	locked, err := d.ShareLink(t.Context(), a, "blog", "for some", "a shared password")
	want(t, "with a password", err, nil)
	l, proof, err := d.OpenShare(t.Context(), open, "", somewhere)
	if err != nil || l.Site != "blog" {
		t.Fatal(err)
	}
	if l, err := d.Shared(t.Context(), proof); err != nil || l.Site != "blog" || l.Note != "for all" {
		t.Errorf("%+v, %v", l, err)
	}
	_, mine, err := d.OpenShare(t.Context(), locked, "", somewhere)
	if !errors.Is(err, account.ErrRefused) || mine != "" {
		t.Errorf("without the password: %q, %v", mine, err)
	}
	_, sum, _ := strings.Cut(proof, ".")
	for _, forged := range []string{locked, locked + ".", locked + "." + sum, "." + sum, ""} {
		_, err := d.Shared(t.Context(), forged)
		want(t, "a forged proof", err, account.ErrNoLink)
	}
	_, mine, err = d.OpenShare(t.Context(), locked, "a shared password", somewhere)
	want(t, "with the password", err, nil)
	_, err = d.Shared(t.Context(), mine)
	want(t, "its proof", err, nil)
	_, err = d.Join(t.Context(), open, "c", password, somewhere)
	want(t, "a share in place of an invitation", err, account.ErrNoLink)
	all, _ := d.Links(t.Context(), account.Share)
	for _, l := range all {
		want(t, "end", d.EndLink(t.Context(), a, l.ID), nil)
	}
	for _, p := range []string{proof, mine} {
		_, err = d.Shared(t.Context(), p)
		want(t, "after it was ended", err, account.ErrNoLink)
	}
}

// secrets are what must not be found in what is kept.
func book(t *testing.T, s account.Store) {
	d := newDesk(s)
	d.Hasher = blind{}
	link, err := d.SetupLink(t.Context())
	want(t, "setup", err, nil)
	time.Sleep(time.Second)
	session, err := d.Join(t.Context(), link, "a", password, somewhere)
	want(t, "join", err, nil)
	a := actor(t, d, "a")
	const typed = "My Password In The Wrong Field"
	time.Sleep(time.Second)
	_, _, err = d.SignIn(t.Context(), typed, "x", "", somewhere)
	want(t, "wrong field", err, account.ErrRefused)
	time.Sleep(time.Second)
	_, _, err = d.SignIn(t.Context(), "a", "wrong", "", somewhere)
	want(t, "wrong password", err, account.ErrRefused)
	time.Sleep(time.Second)
	shared, _ := d.ShareLink(t.Context(), a, "blog", "for all", "a shared password")
	time.Sleep(time.Second)
	invited, _ := d.Invite(t.Context(), a, "blog", account.Editor)
	time.Sleep(time.Minute)
	totp := account.NewTOTP()
	after, written, err := d.TurnOnTOTP(t.Context(), a, password, totp, account.TOTPCode(totp, time.Now()))
	want(t, "turn on", err, nil)
	entries, err := d.Entries(t.Context(), "", 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range slices.Backward(entries) {
		got = append(got, fmt.Sprintf("%s %s %s %s", e.Who, e.What, e.About, e.Address))
	}
	const at = " 203.0.113.0/24"
	links, _ := d.Links(t.Context(), account.Invitation)
	wanted := []string{
		got[0], // the link of the console, by its ID
		"a set_up a" + at, " sign_in_failed " + at, " sign_in_failed a" + at,
		"a link_made for all" + at, "a link_made " + links[0].ID + at, "a totp_on a" + at,
	}
	if !slices.Equal(got, wanted) || !strings.HasPrefix(got[0], " link_made ") {
		t.Errorf("written down: %q, want %q", got, wanted)
	}
	if page, err := d.Entries(t.Context(), entries[2].Key, 2); err != nil || len(page) != 2 || page[0] != entries[3] {
		t.Errorf("further: %+v, %v", page, err)
	}
	for _, kind := range []account.Kind{"user", "session", "link", "tries", "entry", "roster"} {
		list, err := s.List(t.Context(), kind, "", 0)
		if err != nil || len(list) == 0 {
			t.Errorf("%d of %s, %v", len(list), kind, err)
		}
		for _, r := range list {
			kept := strings.ToLower(r.Key + string(r.Body))
			for _, secret := range append(written, link, session, password, typed, shared, invited, totp, after, "a shared password") {
				if strings.Contains(kept, strings.ToLower(secret)) {
					t.Errorf("a secret is kept in a %s: %s", kind, kept)
				}
			}
		}
	}
}

func forgotten(t *testing.T, s account.Store) {
	d := newDesk(s)
	a := add(t, d, "a", account.Everywhere, account.Owner)
	signIn(t, d, "a", password)
	tries(t, d, "a", somewhere)
	_, err := d.Invite(t.Context(), a, "blog", account.Viewer)
	want(t, "invite", err, nil)
	kept := func(kind account.Kind) int {
		list, err := s.List(t.Context(), kind, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	for _, c := range []struct {
		after time.Duration
		kind  account.Kind
		left  bool
	}{
		{time.Second, "tries", true},
		{time.Hour, "tries", false},
		{6 * day, "session", true},
		{2 * day, "session", false},
		{0, "link", false},
		{300 * day, "entry", true},
		{100 * day, "entry", false},
		{0, "user", true},
	} {
		time.Sleep(c.after)
		want(t, "purge", d.Purge(t.Context()), nil)
		if n := kept(c.kind); n > 0 != c.left {
			t.Errorf("after another %s there are %d of %s", c.after, n, c.kind)
		}
	}
}
