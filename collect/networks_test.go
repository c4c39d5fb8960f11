package collect

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

func TestNetworks(t *testing.T) {
	n, err := ReadNetworks(strings.NewReader("# a cloud\n192.0.2.0/24\n192.0.2.128/25 # within\n203.0.113.7\n\n2001:db8::/32\n10.1.2.3/8\n"))
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]bool{
		"192.0.2.0": true, "192.0.2.255": true, "192.0.3.0": false, "192.0.1.255": false,
		"203.0.113.7": true, "203.0.113.8": false, "2001:db8:ffff::1": true, "2001:db9::": false, "10.0.0.0": true, "11.0.0.0": false,
	} {
		if n.Contain(netip.MustParseAddr(addr)) != want {
			t.Errorf("%s: %v", addr, !want)
		}
	}
	if (*Networks)(nil).Contain(netip.MustParseAddr("10.0.0.1")) {
		t.Error("no networks contain something")
	}
	if _, err := ReadNetworks(strings.NewReader("10.0.0.0/8\nnonsense\n")); err == nil || !strings.Contains(err.Error(), `line 2: "nonsense"`) {
		t.Error(err)
	}
}

// TestNetworksAreTheirPrefixes compares the set with asking each prefix.
func TestNetworksAreTheirPrefixes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	addr := func() netip.Addr {
		return netip.AddrFrom4([4]byte{10, 0, byte(random.IntN(4)), byte(random.IntN(256))})
	}
	for range 200 {
		var list []netip.Prefix
		for range random.IntN(20) {
			list = append(list, netip.PrefixFrom(addr(), 20+random.IntN(13)))
		}
		n := NewNetworks(list)
		for range 200 {
			if a := addr(); n.Contain(a) != within(list, a) {
				t.Fatalf("%s in %v: %v", a, list, n.Contain(a))
			}
		}
	}
}

// FuzzReadNetworks holds the ranges of a file to looking at each one.
func FuzzReadNetworks(f *testing.F) {
	f.Add("192.0.2.0/24 # test\n2001:db8::/32\n\n10.0.0.1\n", "192.0.2.7")
	f.Add("::ffff:10.0.0.0/104\n0.0.0.0/0", "10.1.1.1")
	f.Fuzz(func(t *testing.T, text, addr string) {
		n, err := ReadNetworks(strings.NewReader(text))
		a, aerr := netip.ParseAddr(addr)
		if err != nil || aerr != nil {
			return
		}
		a = a.Unmap().WithZone("")
		want := false
		for line := range strings.Lines(text) {
			line, _, _ = strings.Cut(line, "#")
			line = strings.TrimSpace(line)
			if p, err := netip.ParsePrefix(line); err == nil {
				mapped := p.Addr().Is4In6() && p.Bits() >= 96 && a.Is4() && p.Contains(netip.AddrFrom16(a.As16()))
				want = want || mapped || p.Contains(a) && !p.Addr().Is4In6()
			} else if one, err := netip.ParseAddr(line); err == nil {
				want = want || one.Unmap().WithZone("") == a
			}
		}
		if got := n.Contain(a); got != want {
			t.Errorf("%q has %s: %v, want %v", text, a, got, want)
		}
	})
}
