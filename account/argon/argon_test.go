package argon_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/beforehand-go/beforehand/account/argon"
)

// cheap is what a test has time for.
func cheap() argon.Params { return argon.Params{Memory: 64, Time: 1, Threads: 1} }

func TestHash(t *testing.T) {
	h := argon.New(cheap())
	hash, err := h.Hash(t.Context(), "correct horse")
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Fatalf("%s, %v", hash, err)
	}
	if again, _ := h.Hash(t.Context(), "correct horse"); again == hash {
		t.Error("two hashes have the same salt")
	}
	for _, c := range []struct {
		h        *argon.Hasher
		password string
		ok, old  bool
	}{
		{h, "correct horse", true, false},
		{h, "correct Horse", false, false},
		{h, "", false, false},
		{argon.New(argon.Params{Memory: 64, Time: 2, Threads: 1}), "correct horse", true, true},
	} {
		if ok, old, err := c.h.Check(t.Context(), c.password, hash); ok != c.ok || old != c.old || err != nil {
			t.Errorf("%q: %v, %v, %v", c.password, ok, old, err)
		}
	}
	if ok, old, err := h.Check(t.Context(), "", ""); ok || old || err != nil {
		t.Errorf("the empty hash: %v, %v, %v", ok, old, err)
	}
}

// The vector was made with the reference implementation's command:
// echo -n password | argon2 somesalt -id -t 2 -k 65536 -p 1 -l 32 (its README has it, for Argon2id version 13).
func TestHashOfTheReferenceImplementation(t *testing.T) {
	const hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if ok, _, err := argon.New(cheap()).Check(t.Context(), "password", hash); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
}

func TestDamagedHashes(t *testing.T) {
	h := argon.New(cheap())
	whole, err := h.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	for _, hash := range []string{
		"x", "$$$$$", strings.TrimPrefix(whole, "$"), whole + "$", whole[:len(whole)-4],
		strings.Replace(whole, "argon2id", "argon2i", 1), strings.Replace(whole, "v=19", "v=16", 1),
		strings.Replace(whole, "m=64", "m=99999999", 1), strings.Replace(whole, "m=64", "m=-1", 1),
		strings.Replace(whole, "t=1", "t=0", 1), strings.Replace(whole, "p=1", "p=0", 1), strings.Replace(whole, "t=1", "t=99", 1),
		strings.Replace(whole, "p=1", "p=1,q=1", 1),
	} {
		ok, _, err := h.Check(t.Context(), "correct horse", hash)
		if ok || err == nil || strings.Contains(err.Error(), whole[30:]) {
			t.Errorf("%q: %v, %v", hash, ok, err)
		}
	}
}

func TestWhoHasGoneWaitsForNoHash(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	h := argon.New(argon.Default())
	for range 50 { // a turn may be free
		if _, err := h.Hash(ctx, "correct horse"); errors.Is(err, context.Canceled) {
			return
		}
	}
	t.Error("50 hashes were made for somebody who had gone")
}
