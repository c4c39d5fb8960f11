package listen

import (
	"net"
	"net/http"
	"strconv"
	"time"
)

// Redirect leads readers who come by http to https at a port, if the host that
// they name is one of the server's.
func Redirect(covers func(host string) bool, port string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		switch {
		case !covers(host):
			http.Error(w, "this server has no such name", http.StatusMisdirectedRequest)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			// What was sent is told already; it must not happen unseen.
			http.Error(w, "use https", http.StatusBadRequest)
		default:
			if port != "443" {
				host = net.JoinHostPort(host, port)
			}
			http.Redirect(w, r, "https://"+host+r.URL.RequestURI(), http.StatusPermanentRedirect)
		}
	})
}

// Strict tells browsers to come by https alone for a length of time.
func Strict(h http.Handler, age time.Duration) http.Handler {
	value := []string{"max-age=" + strconv.FormatInt(int64(age/time.Second), 10)}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Strict-Transport-Security"] = value
		h.ServeHTTP(w, r)
	})
}
