package collect

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
)

// Networks is a set of ranges of addresses, however many. The nil value is
// empty.
type Networks struct{ from, to []netip.Addr } // sorted, and none overlaps another

// NewNetworks makes a set of ranges.
func NewNetworks(list []netip.Prefix) *Networks {
	list = slices.Clone(list)
	for i, p := range list {
		if p.Addr().Is4In6() && p.Bits() >= 96 { // an address of version 4 is looked for as one
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		list[i] = p.Masked()
	}
	slices.SortFunc(list, func(a, b netip.Prefix) int {
		if c := a.Addr().Compare(b.Addr()); c != 0 {
			return c
		}
		return a.Bits() - b.Bits() // the wider first
	})
	n := &Networks{}
	var last netip.Prefix
	for _, p := range list {
		if last.IsValid() && last.Contains(p.Addr()) {
			continue
		}
		n.from, n.to, last = append(n.from, p.Addr()), append(n.to, lastOf(p)), p
	}
	return n
}

// lastOf is the last address of a range.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	addr, _ := netip.AddrFromSlice(b)
	return addr
}

// Contain tells whether an address is in one of the ranges.
func (n *Networks) Contain(addr netip.Addr) bool {
	if n == nil {
		return false
	}
	i, found := slices.BinarySearchFunc(n.from, addr, netip.Addr.Compare)
	return found || i > 0 && addr.Compare(n.to[i-1]) <= 0
}

// ReadNetworks reads ranges or addresses, one a line; what follows a # is a
// remark.
func ReadNetworks(r io.Reader) (*Networks, error) {
	var list []netip.Prefix
	in := bufio.NewScanner(r)
	for line := 1; in.Scan(); line++ {
		text, _, _ := strings.Cut(in.Text(), "#")
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		p, err := netip.ParsePrefix(text)
		if addr, plain := netip.ParseAddr(text); plain == nil {
			p, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %q is no range of addresses: write it like 192.0.2.0/24", line, text)
		}
		list = append(list, p)
	}
	return NewNetworks(list), in.Err()
}
