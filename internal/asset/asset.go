// Package asset serves the files that are part of the program.
package asset

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
)

// Asset is a file as it is and in gzip. As a handler it leaves to its caller who
// may keep it for how long.
type Asset struct {
	Body, Packed []byte // as it is, and in gzip; not to be changed

	contentType, tag string
}

// New makes an asset. Its tag is made of version, which changes with the body.
func New(body []byte, contentType, version string) *Asset {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(body)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		panic(err) // a bytes.Buffer takes everything
	}
	return &Asset{Body: body, Packed: b.Bytes(), contentType: contentType, tag: version}
}

func (a *Asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h, body, encoding := w.Header(), a.Body, ""
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		body, encoding = a.Packed, "gzip"
		h.Set("Etag", `"`+a.tag+`-gzip"`)
	} else {
		h.Set("Etag", `"`+a.tag+`"`)
	}
	h.Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("If-None-Match"), `"`+a.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if encoding != "" {
		h.Set("Content-Encoding", encoding)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Content-Type", a.contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // whoever went away needs no answer
	}
}
