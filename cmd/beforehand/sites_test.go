package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/config"
	"github.com/beforehand-go/beforehand/internal/clickhousetest"
	"github.com/beforehand-go/beforehand/internal/datadir"
	"github.com/beforehand-go/beforehand/internal/pgtest"
	"github.com/beforehand-go/beforehand/internal/throwaway"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/sqlite"
	"github.com/beforehand-go/beforehand/token"
)

// served is a server that runs, and who sits at its machine.
type served struct {
	t    *testing.T
	base string
	stop func()
}

// serveDir serves a data directory until the test ends, or it is stopped.
func serveDir(t *testing.T, dir string, flags ...string) *served {
	t.Helper()
	return serveWith(t, append([]string{"--data", dir, "--zone", "UTC"}, flags...)...)
}

// serveWith serves with these flags.
func serveWith(t *testing.T, flags ...string) *served {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	var wg sync.WaitGroup
	wg.Go(func() {
		listen := fmt.Sprintf("localhost:%d", throwaway.Port(t))
		if code := run(ctx, stdio{strings.NewReader(""), w, t.Output()}, append([]string{"serve", "--listen", listen}, flags...)); code != 0 {
			t.Errorf("serve ended with %d", code)
		}
		w.Close()
	})
	s := &served{t: t, stop: sync.OnceFunc(func() { cancel(); wg.Wait() })}
	t.Cleanup(s.stop)
	lines := bufio.NewReader(r)
	line, err := lines.ReadString('\n')
	if err != nil {
		t.Fatalf("serve said %q, %v", line, err)
	}
	_, rest, _ := strings.Cut(line, "serving ")
	s.base, _, _ = strings.Cut(rest, " ")
	wg.Go(func() { io.Copy(io.Discard, lines) })
	return s
}

// ask asks, without following where it is led.
func (s *served) ask(method, path string, form url.Values, header ...string) (*http.Response, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res, string(text)
}

func (s *served) post(path string, pairs ...string) {
	s.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	if res, text := s.ask(http.MethodPost, path, form); res.StatusCode != http.StatusSeeOther {
		s.t.Fatalf("post %s: %d %s", path, res.StatusCode, text)
	}
}

func (s *served) status(path string) int {
	s.t.Helper()
	res, _ := s.ask(http.MethodGet, path, nil)
	return res.StatusCode
}

// look looks at a page of a site.
func (s *served) look(page string) {
	s.t.Helper()
	res, text := s.ask(http.MethodGet, "/b.gif", nil, "Referer", page,
		"User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0")
	if res.StatusCode != http.StatusOK {
		s.t.Fatalf("look at %s: %d %s", page, res.StatusCode, text)
	}
}

// pages are the pageviews of a site by page.
func (s *served) pages(site string) map[string]int {
	s.t.Helper()
	_, text := s.ask(http.MethodGet, "/api/v1/sites/"+site+"/stats?by=page&metrics=pageviews&limit=10000", nil)
	var v struct {
		Rows []struct {
			Page      string `json:"page"`
			Pageviews int    `json:"pageviews"`
		} `json:"rows"`
	}
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		s.t.Fatalf("%s: %v", text, err)
	}
	all := map[string]int{}
	for _, row := range v.Rows {
		all[row.Page] = row.Pageviews
	}
	return all
}

// eventually waits for what is to become true.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatalf("not within five minutes: %s", what)
}

// deskOf is the book of accounts of a data directory, as another process has it.
func deskOf(t *testing.T, dir string) (*account.Desk, *sqlite.State) {
	t.Helper()
	state, err := sqlite.Open(filepath.Join(dir, datadir.StateFile))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { state.Close() })
	return account.NewDesk(account.Config{Store: state.Accounts(), Hasher: plain{}}), state
}

// plain hashes quickly.
type plain struct{}

func (plain) Hash(context.Context, string) (string, error) { return "hash", nil }
func (plain) Check(context.Context, string, string) (bool, bool, error) {
	return false, false, errors.New("nobody signs in")
}

// TestSitesAreTakenUpWhileTheServerRuns adds a site to a server with none but the
// one it begins with, changes it, has another process add one, deletes them, and
// looks for what is left.
func TestSitesAreTakenUpWhileTheServerRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := serveDir(t, dir)
	s.look("https://other.example/before")
	s.post("/account/sites", "name", "blog", "hosts", "blog.example", "zone", "Europe/Berlin", "retention", "30d")
	if got := s.status("/setup/blog"); got != http.StatusOK {
		t.Errorf("the page that tells how to count it: %d", got)
	}
	s.look("https://blog.example/page")
	if got := s.pages("blog"); len(got) != 1 || got["/page"] != 1 {
		t.Errorf("pages of the new site: %v", got)
	}
	if got := s.pages("default"); got["/before"] != 1 {
		t.Errorf("pages of the site that was there: %v", got)
	}
	s.post("/account/sites/blog", "action", "site", "hosts", "blog.example", "rewrite", "^/page$ /other", "retention", "60d")
	s.look("https://blog.example/page")
	if got := s.pages("blog"); got["/page"] != 1 || got["/other"] != 1 {
		t.Errorf("pages by another rule: %v", got)
	}
	if res, _ := s.ask(http.MethodPost, "/account/sites", url.Values{"name": {"twin"}, "hosts": {"blog.example"}}); res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a host of two sites: %d", res.StatusCode)
	}

	desk, state := deskOf(t, dir)
	if err := desk.AddSites(t.Context(), account.Actor{}, recordOf("wiki", config.Terms{Hosts: "wiki.example"})); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a site that another process added is served", func() bool { return s.status("/s/wiki/") == http.StatusOK })
	s.look("https://wiki.example/w")

	// What names the site.
	if err := desk.Add(t.Context(), "boss", "correct horse battery", map[string]account.Role{account.Everywhere: account.Owner, "blog": account.Editor}); err != nil {
		t.Fatal(err)
	}
	if err := state.Tokens().Create(t.Context(), token.Token{Name: "b", Scopes: []token.Scope{token.StatsRead}, Sites: []string{"blog"}}, token.HashOf("b")); err != nil {
		t.Fatal(err)
	}
	if err := desk.RemoveSite(t.Context(), account.Actor{}, "blog"); err != nil { // as the page does; nobody can sign in here
		t.Fatal(err)
	}
	names := func() []string {
		list, err := desk.Sites(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, v := range list {
			all = append(all, v.Name)
		}
		return all
	}
	eventually(t, "a site that was removed is gone", func() bool { return !slices.Contains(names(), "blog") })
	if got := s.status("/s/blog/"); got != http.StatusNotFound {
		t.Errorf("the page of the site that is gone: %d", got)
	}
	jobs, err := state.Jobs().Jobs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range jobs {
		if strings.Contains(j.Name, "blog") {
			t.Errorf("there is still job %s", j.Name)
		}
	}
	if list, err := state.Tokens().List(t.Context()); err != nil || len(list) > 0 {
		t.Errorf("tokens: %v, %v", list, err)
	}
	if u, err := desk.User(t.Context(), "boss"); err != nil || len(u.Roles) != 1 {
		t.Errorf("roles: %v, %v", u.Roles, err)
	}
	s.stop()

	// One that is removed while nobody serves goes as soon as somebody does.
	if err := desk.RemoveSite(t.Context(), account.Actor{}, "wiki"); err != nil {
		t.Fatal(err)
	}
	s = serveDir(t, dir)
	eventually(t, "the other site is gone", func() bool { return slices.Equal(names(), []string{"default"}) })
	if got := s.status("/s/default/"); got != http.StatusOK {
		t.Errorf("the page of the site that stays: %d", got)
	}
	s.stop()
	k, err := openKeeper(t.Context(), placeFlags{data: dir}, "test")
	if err != nil {
		t.Fatal(err)
	}
	defer k.close()
	for _, site := range []string{"blog", "wiki"} {
		if err := k.store.Drop(t.Context(), site); !errors.Is(err, pageview.ErrNoSite) {
			t.Errorf("%s: %v", site, err)
		}
	}
}

// TestSitesAreTakenUpByOtherReplicas adds, changes and removes a site on pages of two
// replicas that share their state in PostgreSQL and their pageviews in ClickHouse.
func TestSitesAreTakenUpByOtherReplicas(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(strings.Repeat("5a", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	shared := []string{"--state", pgtest.Start(t).Database(t), "--pageviews", clickhousetest.Start(t).Database(t), "--key", key}
	one, two := serveDir(t, t.TempDir(), shared...), serveDir(t, t.TempDir(), shared...)
	eventually(t, "the first site is served by both", func() bool {
		return one.status("/s/default/") == http.StatusOK && two.status("/s/default/") == http.StatusOK
	})
	one.post("/account/sites", "name", "blog", "hosts", "blog.example", "zone", "Europe/Berlin")
	eventually(t, "a site is served by the other replica", func() bool { return two.status("/s/blog/") == http.StatusOK })
	two.look("https://blog.example/page")
	if got := two.pages("blog"); got["/page"] != 1 {
		t.Errorf("pages at the other replica: %v", got)
	}
	two.post("/account/sites/blog", "action", "site", "hosts", "blog.example", "title", "Notes of two")
	eventually(t, "the change is taken up", func() bool {
		_, text := one.ask(http.MethodGet, "/d/blog", nil)
		return strings.Contains(text, "Notes of two")
	})
	one.post("/account/sites/blog", "action", "site_remove", "name", "blog")
	eventually(t, "the site is gone from the other replica", func() bool { return two.status("/s/blog/") == http.StatusNotFound })
	if a, b := one.status("/s/default/"), two.status("/s/default/"); a != http.StatusOK || b != http.StatusOK {
		t.Errorf("the site that stays: status %d and %d", a, b)
	}
}

// TestASiteOfTheFileGoesBefore has a site that was added in the file too, and one
// whose host the file gives to another.
func TestASiteOfTheFileGoesBefore(t *testing.T) {
	dir := t.TempDir()
	text := "sites: [{name: blog, hosts: blog.example, zone: UTC}]\n"
	if err := os.WriteFile(filepath.Join(dir, config.FileName), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	desk, _ := deskOf(t, dir)
	err := desk.AddSites(t.Context(), account.Actor{}, recordOf("blog", config.Terms{Hosts: "mine.example"}), recordOf("thief", config.Terms{Hosts: "blog.example"}), recordOf("good", config.Terms{Hosts: "good.example"}))
	if err != nil {
		t.Fatal(err)
	}
	c := appConfig{log: slog.New(slog.DiscardHandler)}
	if err := c.settle(stdio{strings.NewReader(""), io.Discard, io.Discard}, []string{"--data", dir}); err != nil {
		t.Fatal(err)
	}
	a, err := openApp(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	var got []string
	for _, s := range a.sites {
		got = append(got, s.Name+" "+strings.Join(s.Hosts, ","))
	}
	if want := []string{"blog blog.example", "good good.example"}; !slices.Equal(got, want) {
		t.Errorf("sites %v, want %v", got, want)
	}
	if a.sites[0].Written != true || a.sites[1].Written {
		t.Error("who may reach into a network of the server's own is mistaken")
	}
}
