package server

import (
	"net/http"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/account"
	"github.com/mileusna/useragent"
)

// The names of cookies. Only who signs in, or opens a share link, gets any.
const (
	sessionCookie = "beforehand"        // who is signed in
	pendingCookie = "beforehand-code"   // whose password was right and whose code is still to come
	deviceCookie  = "beforehand-device" // in which browser somebody has signed in before
	shareCookie   = "beforehand-share-" // and the site: what a share link shows
)

// hostPrefix has browsers refuse a cookie that did not come by TLS from this very
// host.
const hostPrefix = "__Host-"

// secure tells whether a browser came by TLS, to this server or to a proxy before
// it. Whoever forges that makes their own cookies stricter and nothing else.
func secure(r *http.Request) bool {
	return r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") ||
		strings.HasPrefix(r.Header.Get("Origin"), "https://")
}

// cookie is the value of a cookie of ours, or empty.
func cookie(r *http.Request, name string) string {
	c, err := r.Cookie(hostPrefix + name)
	if err != nil && !secure(r) {
		c, err = r.Cookie(name)
	}
	if err != nil {
		return ""
	}
	return c.Value
}

// maxShares is how many share links are looked up for a request.
const maxShares = 10

// shareCookies are the proofs of share links that a request has.
func shareCookies(r *http.Request) (proofs []string) {
	for _, c := range r.Cookies() {
		name, host := strings.CutPrefix(c.Name, hostPrefix)
		if strings.HasPrefix(name, shareCookie) && (host || !secure(r)) && len(proofs) < maxShares {
			proofs = append(proofs, c.Value)
		}
	}
	return proofs
}

// setCookie gives a browser a cookie for a while, which scripts cannot read; an
// empty value takes it away.
func setCookie(w http.ResponseWriter, r *http.Request, name, value string, life time.Duration) {
	c := &http.Cookie{
		Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: int(life / time.Second),
	}
	if value == "" {
		c.MaxAge = -1
	}
	if secure(r) {
		c.Secure, c.Name = true, hostPrefix+name
	}
	http.SetCookie(w, c)
	w.Header().Set("Cache-Control", "no-store")
}

// from is where a request comes from.
func (s *Server) from(r *http.Request) account.From {
	agent := useragent.Parse(cut(r.UserAgent(), maxAgent))
	var words []string
	for _, word := range []string{agent.Name, agent.OS} {
		if word != "" {
			words = append(words, cut(word, maxAgentWord))
		}
	}
	return account.From{
		Address: account.Shorten(s.Proxies.Client(r)), Agent: strings.Join(words, ", "), Device: cookie(r, deviceCookie),
	}
}

const maxAgent, maxAgentWord = 500, 40

func cut(text string, bytes int) string { return strings.ToValidUTF8(text[:min(len(text), bytes)], "") }
