// Package acmetest is an authority of certificates without a socket, so that the
// time of a bubble of testing/synctest passes for who asks it.
package acmetest

import (
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
)

// Directory is the authority's URL.
const Directory = "https://authority.test" + wfe.DirectoryPath

// Authority is Pebble, the test server of Let's Encrypt. It takes every host for
// its asker's.
type Authority struct {
	handler http.Handler
	orders  atomic.Int64
}

// New makes an authority whose certificates are good for a while. It is made
// outside of any bubble, since it never ends.
func New(t testing.TB, good time.Duration) *Authority {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_VA_ALWAYS_VALID", "1")
	quiet := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	signer := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {ValidityPeriod: uint64(good / time.Second)}})
	front := wfe.New(quiet, store, va.New(quiet, 80, 443, false, "", store), signer, []string{"authority.test"}, false, false, 0, 0)
	return &Authority{handler: front.Handler()}
}

// Orders is how many orders of certificates were taken.
func (a *Authority) Orders() int64 { return a.orders.Load() }

// RoundTrip implements http.RoundTripper.
func (a *Authority) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI, in.Host, in.TLS, in.RemoteAddr = r.URL.RequestURI(), r.URL.Host, &tls.ConnectionState{}, "192.0.2.1:1"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, in)
	if r.URL.Path == "/order-plz" && w.Code == http.StatusCreated { // one in twenty is refused, so that it is sent again
		a.orders.Add(1)
	}
	res := w.Result()
	res.Request = r
	return res, nil
}
