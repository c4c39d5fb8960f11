package server_test

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/articles"
	"github.com/beforehand-go/beforehand/courier"
	"github.com/beforehand-go/beforehand/declared"
	"github.com/beforehand-go/beforehand/internal/nametest"
)

// inside is a server in a network that nobody outside may reach. It counts who
// connects.
type inside struct {
	port        string
	connections atomic.Int32
}

func newInside(t *testing.T) *inside {
	in := &inside{}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"secret":1}`) }))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			in.connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	u := must(url.Parse(s.URL))
	in.port = u.Port()
	return in
}

// disguises are addresses of what is inside, by what they are. A name server says
// of pub.test what another one may.
func (in *inside) disguises() map[string]string {
	return map[string]string{
		"loopback": "http://127.0.0.1:" + in.port + "/", "another loopback": "http://127.9.9.9:" + in.port + "/", "its name": "http://localhost:" + in.port + "/",
		"loopback of IPv6": "http://[::1]:" + in.port + "/", "mapped": "http://[::ffff:127.0.0.1]:" + in.port + "/", "mapped in hex": "http://[::ffff:7f00:1]:" + in.port + "/",
		"no address": "http://0.0.0.0:" + in.port + "/", "a number": "http://2130706433:" + in.port + "/", "octal": "http://0177.0.0.1:" + in.port + "/",
		"with a user": "http://example.com@127.0.0.1:" + in.port + "/", "private": "http://10.0.0.1/", "private too": "http://192.168.1.1/", "private as well": "http://172.16.0.1/",
		"link-local": "http://169.254.169.254/latest/meta-data/", "link-local of IPv6": "http://[fe80::1]/", "unique local": "http://[fd00::1]/",
		"shared": "http://100.64.0.1/", "translated": "http://[64:ff9b::7f00:1]/", "a name that leads inside": "http://pub.test:" + in.port + "/",
	}
}

// fetcher asks for an address that somebody made up, as a part of the program does.
type fetcher func(t *testing.T, address string) error

// fetchers are all parts of the program that ask for an address which not only who
// runs the server has a say in. With allowed the server's own configuration has it.
func fetchers(t *testing.T, allowed bool) map[string]fetcher {
	read := func(set func(*articles.Config)) fetcher {
		return func(t *testing.T, address string) error {
			base, err := url.Parse(address)
			if err != nil {
				return err
			}
			c := articles.Config{Base: base, Page: func(string) string { return "/p" }, Pause: time.Nanosecond, Private: allowed}
			set(&c)
			_, err = articles.New(c).Read(t.Context(), &articles.Book{}, []string{"/p"})
			return err
		}
	}
	hook := func(t *testing.T, address string) error {
		h, err := courier.NewHook(address, "", allowed)
		if err != nil {
			return err
		}
		defer h.Close()
		return h.Send(t.Context(), "id", []byte("{}"))
	}
	o := newOwned(t)
	look := func(t *testing.T, address string) error {
		said := o.look(address, "", nil)
		if strings.Contains(said, "secret") {
			t.Errorf("the page has what is inside: %s", said)
		}
		return nil
	}
	script := func(t *testing.T, address string) error {
		o.look("/", `<script src="`+address+`b.js" defer></script>`, nil)
		return nil
	}
	return map[string]fetcher{
		"robots.txt and titles": read(func(*articles.Config) {}),
		"a sitemap":             read(func(c *articles.Config) { c.Sitemaps, c.NoPages = []string{c.Base.String()}, true }),
		"a feed":                read(func(c *articles.Config) { c.Feeds, c.NoPages = []string{c.Base.String()}, true }),
		"a webhook":             hook,
		"a look at a page":      look,
		"a look at a script":    script,
	}
}

// writtenFetchers ask for what only the server's configuration can name: that is
// allowed, and where it is led from there is not.
func writtenFetchers(t *testing.T) map[string]fetcher {
	all := fetchers(t, true)
	all["a report by URL"] = func(t *testing.T, address string) error {
		_, err := (&declared.Report{Config: declared.Config{Name: "r", Source: declared.Source{URL: address}}, Timeout: 5 * time.Second}).Make(t.Context())
		return err
	}
	all["a job by URL"] = func(t *testing.T, address string) error {
		return (&declared.Job{Source: declared.Source{URL: address}, Timeout: 5 * time.Second}).Do(t.Context(), slog.New(slog.DiscardHandler))
	}
	return all
}

// misledNames has every name lead inside, for whoever asks the system.
func misledNames(t *testing.T) {
	was := net.DefaultResolver
	net.DefaultResolver = nametest.Resolver(t, []string{"127.0.0.1"}, []string{"10.0.0.1", "127.0.0.1"}, []string{"127.0.0.1"})
	t.Cleanup(func() { net.DefaultResolver = was })
}

// TestNoFetcherReachesInside has each fetcher asked for what is inside, in every
// disguise.
func TestNoFetcherReachesInside(t *testing.T) {
	misledNames(t)
	in := newInside(t)
	for name, fetch := range fetchers(t, false) {
		for what, address := range in.disguises() {
			if err := fetch(t, address); err == nil && !strings.HasPrefix(name, "a look") {
				t.Errorf("%s: %s (%s) was reached", name, what, address)
			}
			if n := in.connections.Swap(0); n != 0 {
				t.Errorf("%s: %d connections to %s (%s)", name, n, what, address)
			}
		}
	}
}

// TestNoFetcherIsLedInside has each fetcher ask where the configuration lets it,
// and be led inside from there.
func TestNoFetcherIsLedInside(t *testing.T) {
	misledNames(t)
	in := newInside(t)
	var to atomic.Value
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, to.Load().(string), http.StatusFound)
	}))
	defer front.Close()
	for name, fetch := range writtenFetchers(t) {
		for what, address := range in.disguises() {
			to.Store(address)
			if err := fetch(t, front.URL+"/"); err == nil && !strings.HasPrefix(name, "a look") {
				t.Errorf("%s was led to %s (%s)", name, what, address)
			}
			if n := in.connections.Swap(0); n != 0 {
				t.Errorf("%s: %d connections to %s (%s)", name, n, what, address)
			}
		}
	}
}

// TestWhatTheConfigurationNamesIsReached shows that the tables above would notice.
func TestWhatTheConfigurationNamesIsReached(t *testing.T) {
	in := newInside(t)
	for name, fetch := range writtenFetchers(t) {
		if strings.HasPrefix(name, "a look") {
			continue // of the site's own address only, which TestSetupLooksAtAPage has
		}
		fetch(t, "http://127.0.0.1:"+in.port+"/")
		if in.connections.Swap(0) == 0 {
			t.Errorf("%s does not reach what the configuration names", name)
		}
	}
}
