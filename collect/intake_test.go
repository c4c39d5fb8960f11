package collect

import (
	"testing"
	"time"
)

func TestOneAddressIsOneVisitorHoweverItIsWritten(t *testing.T) {
	visitors, err := NewVisitors(&ruleSalts{}, Key{})
	if err != nil {
		t.Fatal(err)
	}
	in := &Intake{Visitors: visitors, Agents: &Agents{}}
	site := &Site{Name: "blog", Zone: time.UTC}
	who := func(addr string) uint64 {
		v, left, err := in.Pageview(t.Context(), site, &Seen{At: time.Now(), URL: "/", Addr: addr, NoAgent: true})
		if err != nil || left != "" {
			t.Fatalf("%s: %q, error %v", addr, left, err)
		}
		return v.Visitor
	}
	for _, same := range [][2]string{
		{"2001:db8::1", "2001:DB8:0:0::1"}, {"192.0.2.1", "::ffff:192.0.2.1"}, {"fe80::1", "fe80::1%eth0"}, {"host.example", "host.example"},
	} {
		if who(same[0]) != who(same[1]) {
			t.Errorf("%s and %s are two visitors", same[0], same[1])
		}
	}
	if who("192.0.2.1") == who("192.0.2.2") || who("") != 0 {
		t.Error("two addresses are one visitor, or none is one")
	}
}
