package server

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/internal/fetch"
	"github.com/beforehand-go/beforehand/receive"
	"github.com/beforehand-go/beforehand/snippet"
	"github.com/beforehand-go/beforehand/web"
)

const (
	checkTimeout = 15 * time.Second // of one request
	maxCheck     = 1 << 20          // bytes of a page that are read
	maxScript    = 64 << 10         // bytes of a script
)

// checker looks at a page of a site, and tells whether it is counted.
type checker struct {
	server *Server
	site   *site
	here   string // host that this server was asked by
	base   string // where pages reach this server

	client *fetch.Client
	found  []web.Finding
}

func (c *checker) add(kind web.FindingKind, args ...string) {
	c.found = append(c.found, web.Finding{Kind: kind, Args: args})
}

// at looks at the page at an address. Only public addresses are reached, and
// those of the site's own URL where who runs the server has written it: somebody
// who changes a site on its page must not reach into the server's network.
func (c *checker) at(ctx context.Context, page string) []web.Finding {
	var written []string
	if c.site.URL != nil && c.site.Written {
		written = append(written, c.site.URL.String())
	}
	c.client = fetch.New(fetch.Config{Timeout: checkTimeout, Private: fetch.Written(written...)})
	defer c.client.Close()
	res := c.page(ctx, page)
	if res == nil {
		return c.found
	}
	found, err := snippet.Find(res.Body, res.Type, res.URL, c.server.Receiver.Script)
	if err != nil {
		c.add(web.PageNoHTML, res.Type)
		return c.found
	}
	if len(found.Elements) == 0 {
		c.add(web.ElementMissing, c.server.Receiver.Script+".js")
	}
	policies := policiesOf(res.Header, found)
	for _, e := range found.Elements {
		c.element(ctx, res.URL, e, policies)
	}
	c.together(found.Elements)
	return c.found
}

// page gets the page, and tells what is to be known of its address. It returns
// nil where there is nothing to look at.
func (c *checker) page(ctx context.Context, page string) *fetch.Response {
	if address(page) == nil {
		c.add(web.PageUnreachable, page)
		return nil
	}
	res, err := c.client.Get(ctx, fetch.Request{URL: page, Most: maxCheck})
	switch {
	case errors.Is(err, fetch.ErrPrivate):
		c.add(web.PagePrivate, page)
		return nil
	case err != nil:
		c.add(web.PageUnreachable, err.Error())
		return nil
	}
	if res.URL.String() != page {
		c.add(web.PageMoved, res.URL.String())
	}
	if res.Status != http.StatusOK {
		c.add(web.PageStatus, res.URL.String(), strconv.Itoa(res.Status)+" "+http.StatusText(res.Status))
		return nil
	}
	if kind, _, _ := mime.ParseMediaType(res.Type); kind != "text/html" && kind != "application/xhtml+xml" {
		c.add(web.PageNoHTML, res.Type)
		return nil
	}
	if !c.site.Takes(res.URL.Host) {
		c.add(web.PageOtherHost, res.URL.Hostname(), strings.Join(c.site.Hosts, ", "))
	} else if c.site.Page(res.URL.String()) == "" {
		c.add(web.PageNotCounted, res.URL.Path)
	}
	return res
}

// element tells whether an element of the page at an address counts it.
func (c *checker) element(ctx context.Context, page *url.URL, e snippet.Element, policies []snippet.Policy) {
	at := e.Address.String()
	switch {
	case e.NoScript && e.Kind != snippet.Picture:
		c.add(web.ElementNoScript, at)
		return
	case e.Kind == snippet.Script:
		c.add(web.ElementFound, at)
	case e.Kind == snippet.Picture:
		c.add(web.PictureFound, at)
	case e.Kind == snippet.Busuanzi:
		c.add(web.BusuanziFound, at)
	}
	c.settings(page, e)
	upgrades := slices.ContainsFunc(policies, snippet.Policy.Upgrades)
	if page.Scheme == "https" && e.Address.Scheme == "http" && !upgrades {
		c.add(web.ElementMixed, at)
	}
	if e.Kind == snippet.Script {
		c.script(ctx, e)
	}
	c.policies(page, e, policies)
}

// settings tells what the attributes of an element keep from counting.
func (c *checker) settings(page *url.URL, e snippet.Element) {
	if e.Off {
		c.add(web.ElementOff)
	}
	if e.Manual {
		c.add(web.ElementManual)
	}
	if here := page.Hostname(); e.Kind == snippet.Script && !e.Local && (here == "localhost" || here == "::1" || strings.HasPrefix(here, "127.")) {
		c.add(web.PageLocal, here)
	}
	if e.Site != "" && e.Site != c.site.Name {
		c.add(web.ElementOtherSite, e.Site, c.site.Name)
		return
	}
	if e.Site == "" {
		if taker := c.server.Receiver.Sites.ForHost(page.Host); c.site.Takes(page.Host) && taker != c.site.Site.Site {
			c.add(web.ElementOtherSite, nameOf(taker), c.site.Name)
		}
	}
}

func nameOf(s *collect.Site) string {
	if s == nil {
		return ""
	}
	return s.Name
}

// script tells whether the address of a script is that of a server of this kind,
// and whether the browser will take what it gives.
func (c *checker) script(ctx context.Context, e snippet.Element) {
	var integrity string
	if e.Address.Host == c.here {
		var ok bool
		if integrity, ok = receive.Integrity(path.Base(e.Address.Path), c.server.Receiver.Script); !ok {
			c.add(web.AddressWrong, e.Address.String(), strconv.Itoa(http.StatusNotFound))
			return
		}
		c.add(web.AddressOurs, e.Address.Host)
	} else {
		res, err := c.client.Get(ctx, fetch.Request{URL: e.Address.String(), Most: maxScript})
		if err != nil {
			c.add(web.AddressUnknown, e.Address.String(), err.Error())
			return
		}
		var told bool
		_, integrity, told = strings.Cut(res.Header.Get("Script-Version"), " ")
		if res.Status != http.StatusOK || !told {
			c.add(web.AddressWrong, e.Address.String(), strconv.Itoa(res.Status))
			return
		}
		c.add(web.AddressAnswers, e.Address.Host)
	}
	if e.Integrity != "" && !slices.Contains(strings.Fields(e.Integrity), integrity) {
		c.add(web.IntegrityWrong, integrity)
	}
}

// policiesOf are the policies that a page is under.
func policiesOf(h http.Header, p snippet.Page) (all []snippet.Policy) {
	for _, text := range append(h.Values("Content-Security-Policy"), p.Policies...) {
		all = append(all, snippet.ParsePolicies(text)...)
	}
	return all
}

// policies tells what of an element the page's policies forbid.
func (c *checker) policies(page *url.URL, e snippet.Element, all []snippet.Policy) {
	if len(all) == 0 {
		c.add(web.PolicyNone)
		return
	}
	before := len(c.found)
	for _, p := range all {
		if e.Kind == snippet.Picture {
			if directive := p.Picture(e.Address, page); directive != "" {
				c.add(web.PolicyPicture, directive)
			}
			continue
		}
		if directive := p.Script(e, page); directive != "" {
			c.add(web.PolicyScript, directive)
		}
		if directive := p.Connect(e.Address, page); directive != "" && e.Kind == snippet.Script {
			c.add(web.PolicyConnect, directive)
		}
	}
	if len(c.found) == before {
		c.add(web.PolicyFine)
	}
}

// together tells whether elements count the page twice.
func (c *checker) together(all []snippet.Element) {
	counting := map[snippet.Kind]bool{}
	for _, e := range all {
		if !e.Off && !e.NoScript {
			counting[e.Kind] = true
		}
	}
	if len(counting) > 1 {
		c.add(web.ElementTwice)
	}
}
