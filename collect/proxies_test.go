package collect

import (
	"net/http"
	"net/netip"
	"testing"
)

func TestProxiesClient(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	type headers = map[string][]string
	for _, c := range []struct {
		name, peer, header string
		headers            headers
		want               string
	}{
		{name: "nobody between", peer: "203.0.113.7:1", want: "203.0.113.7"},
		{name: "mapped", peer: "[::ffff:203.0.113.7]:1", want: "203.0.113.7"},
		{name: "a stranger's word is not taken", peer: "203.0.113.7:1", headers: headers{
			"X-Forwarded-For": {"1.2.3.4"}, "Forwarded": {"for=1.2.3.4"}, "Cf-Connecting-Ip": {"1.2.3.4"},
		}, want: "203.0.113.7"},
		{name: "a proxy that tells nothing", peer: "10.0.0.1:1", want: "10.0.0.1"},
		{name: "one hop", peer: "10.0.0.1:1", headers: headers{"X-Forwarded-For": {"203.0.113.7"}}, want: "203.0.113.7"},
		{name: "the client's own claim is passed over", peer: "10.0.0.1:1", headers: headers{"X-Forwarded-For": {"1.2.3.4, 203.0.113.7, 10.9.9.9"}}, want: "203.0.113.7"},
		{name: "several lines are one list", peer: "10.0.0.1:1", headers: headers{"X-Forwarded-For": {"1.2.3.4", "203.0.113.7", "10.1.1.1"}}, want: "203.0.113.7"},
		{name: "all trusted", peer: "10.0.0.1:1", headers: headers{"X-Forwarded-For": {"10.0.0.3, 10.0.0.2"}}, want: "10.0.0.3"},
		{name: "not an address", peer: "10.0.0.1:1", headers: headers{"X-Forwarded-For": {"1.2.3.4, unknown"}}, want: ""},
		{name: "with a port", peer: "10.0.0.1:1", headers: headers{"X-Forwarded-For": {"203.0.113.7:443"}}, want: "203.0.113.7"},
		{name: "IPv6", peer: "[fd00::1]:1", headers: headers{"X-Forwarded-For": {"2001:db8::7"}}, want: "2001:db8::7"},
		{name: "forwarded", peer: "10.0.0.1:1", headers: headers{"Forwarded": {`for=1.2.3.4;proto=https, For="[2001:db8::7]:4711";by="a,b;c"`}}, want: "2001:db8::7"},
		{name: "forwarded, hidden", peer: "10.0.0.1:1", headers: headers{"Forwarded": {"for=_secret"}}, want: ""},
		{name: "forwarded, without for", peer: "10.0.0.1:1", headers: headers{"Forwarded": {"proto=https"}}, want: ""},
		{name: "x-forwarded-for goes first", peer: "10.0.0.1:1", headers: headers{"X-Forwarded-For": {"203.0.113.7"}, "Forwarded": {"for=1.2.3.4"}}, want: "203.0.113.7"},
		{name: "the named header only", peer: "10.0.0.1:1", header: "forwarded", headers: headers{"X-Forwarded-For": {"1.2.3.4"}, "Forwarded": {"for=203.0.113.7"}}, want: "203.0.113.7"},
		{name: "cloudflare", peer: "10.0.0.1:1", headers: headers{"Cf-Connecting-Ip": {"203.0.113.7"}}, want: "203.0.113.7"},
		{name: "a socket", peer: "@", want: ""},
		{name: "a proxy behind a socket", peer: "@", headers: headers{"X-Forwarded-For": {"1.2.3.4, 203.0.113.7"}}, want: "203.0.113.7"},
		{name: "two proxies behind a socket", peer: "", headers: headers{"X-Forwarded-For": {"203.0.113.7, 10.1.1.1"}}, want: "203.0.113.7"},
		{name: "no address", peer: "somewhere", headers: headers{"X-Forwarded-For": {"1.2.3.4"}}, want: ""},
	} {
		p := Proxies{Trusted: trusted, Header: c.header}
		if got := p.Client(&http.Request{RemoteAddr: c.peer, Header: c.headers}); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func FuzzProxiesClient(f *testing.F) {
	f.Add("203.0.113.7, 10.0.0.2", `for=1.2.3.4;proto=https, For="[2001:db8::7]:4711"`)
	f.Add("", `for="\",`)
	f.Fuzz(func(t *testing.T, list, forwarded string) {
		p := Proxies{Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
		for _, h := range []http.Header{{"X-Forwarded-For": {list}}, {"Forwarded": {forwarded}}} {
			got := p.Client(&http.Request{RemoteAddr: "10.0.0.1:1", Header: h})
			if _, err := netip.ParseAddr(got); got != "" && err != nil {
				t.Errorf("%q is no address: %v", got, err)
			}
		}
	})
}
