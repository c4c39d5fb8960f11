package middleware

import (
	"bufio"
	"cmp"
	"io"
	"net"
	"net/http"
	"strings"
)

// response notes the status of a response and passes everything on.
type response struct {
	http.ResponseWriter
	status  int
	sniffed string // type that net/http finds in what is written first, where none is set
	taken   bool   // the connection was taken over
}

// Unwrap lets http.ResponseController find what the writer below can do.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *response) WriteHeader(status int) {
	if w.status == 0 && status >= 200 { // 1xx come before the answer
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(p []byte) (int, error) {
	w.wrote()
	if w.sniffed == "" && len(p) > 0 && w.Header().Get("Content-Type") == "" {
		w.sniffed = http.DetectContentType(p)
	}
	return w.ResponseWriter.Write(p)
}

// ReadFrom keeps the kernel's own way of copying a file.
func (w *response) ReadFrom(r io.Reader) (int64, error) {
	w.wrote()
	return io.Copy(w.ResponseWriter, r)
}

// Flush and Hijack are for handlers that ask for them without a
// ResponseController.
func (w *response) Flush() {
	w.wrote()
	_ = http.NewResponseController(w.ResponseWriter).Flush() // as http.Flusher, it has no error to give
}

func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buf, err := http.NewResponseController(w.ResponseWriter).Hijack()
	w.taken = err == nil
	return conn, buf, err
}

func (w *response) wrote() {
	if w.status == 0 {
		w.status = http.StatusOK
	}
}

// page tells whether the response was a page. One that was not modified has no
// type, so that what the browser wanted tells.
func (w *response) page(r *http.Request) bool {
	w.wrote() // a handler that writes nothing answers 200
	kind := cmp.Or(w.Header().Get("Content-Type"), w.sniffed)
	switch {
	case w.taken:
		return false
	case w.status == http.StatusNotModified && kind == "":
		return strings.Contains(r.Header.Get("Accept"), "text/html")
	case w.status != http.StatusOK && w.status != http.StatusNotModified:
		return false
	}
	return strings.HasPrefix(kind, "text/html") || strings.HasPrefix(kind, "application/xhtml+xml")
}
