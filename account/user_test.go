package account

import (
	"errors"
	"strings"
	"testing"
)

func TestCheckName(t *testing.T) {
	for _, good := range []string{"a", "jo@example.org", "jürgen", "小明", "a.b_c-d+e", strings.Repeat("a", 100)} {
		if err := CheckName(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "A", " a", "a b", "a/b", "<b>", "a\x00", "a\u202e", "\xff", "*", strings.Repeat("a", 101)} {
		if err := CheckName(bad); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestCheckPassword(t *testing.T) {
	for password, want := range map[string]error{
		"correct horse battery": nil, "密码密码不太短但是也不太长": nil, "12345678901": ErrShort, "ababababababab": ErrSimple,
		"jo@example.orgjo@example.org1234": ErrSimple, "JO@example.org and a dog": nil, strings.Repeat("abcdefgh", 33): ErrLong,
	} {
		if err := CheckPassword("jo@example.org", password); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", password, err, want)
		}
	}
}

func TestShorten(t *testing.T) {
	for address, want := range map[string]string{
		"203.0.113.77": "203.0.113.0/24", "::ffff:203.0.113.77": "203.0.113.0/24", "2001:db8:1:2:3::4": "2001:db8:1::/48",
		"fe80::1%eth0": "fe80::/48", "": "unknown", "x": "unknown",
	} {
		if got := Shorten(address); got != want {
			t.Errorf("%q: %s, want %s", address, got, want)
		}
	}
}

func TestRoles(t *testing.T) {
	u := User{Roles: map[string]Role{"blog": Owner, Everywhere: Viewer, "x": "king"}}
	for site, want := range map[string]Role{"blog": Owner, "shop": Viewer, "x": Viewer, Everywhere: Viewer} {
		if got := u.Role(site); got != want {
			t.Errorf("%s: %s, want %s", site, got, want)
		}
	}
	if Role("").AtLeast("") || Role("king").AtLeast(Viewer) || !Owner.AtLeast(Editor) || Viewer.AtLeast(Editor) {
		t.Error("roles are out of order")
	}
}

func TestSealed(t *testing.T) {
	var k, other Key
	other[0] = 1
	sealed := k.seal("a", []byte("secret"))
	if got, err := k.unseal("a", sealed); err != nil || string(got) != "secret" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := k.unseal("b", sealed); err == nil {
		t.Error("another user's was read")
	}
	if _, err := other.unseal("a", sealed); err == nil {
		t.Error("read under another key")
	}
	if _, err := k.unseal("a", nil); err == nil {
		t.Error("nothing was read")
	}
}
