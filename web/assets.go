package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/beforehand-go/beforehand/chart"
)

// AssetsPath is where [Assets] is to be mounted.
const AssetsPath = "/assets/"

// Policy is the Content-Security-Policy to send with every page.
const Policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; " +
	"connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"

//go:embed static
var static embed.FS

// asset is a file under a name that changes with its content.
type asset struct {
	url, contentType string
	body, gzip       []byte
}

// assets are all files, by the name they have in templates.
var assets = sync.OnceValue(func() map[string]asset {
	all := map[string]asset{}
	for name, contentType := range map[string]string{
		"page.css": "text/css; charset=utf-8",
		"page.js":  "text/javascript; charset=utf-8",
		"jobs.css": "text/css; charset=utf-8",
		"jobs.js":  "text/javascript; charset=utf-8",
		"icon.svg": "image/svg+xml",
	} {
		body, err := static.ReadFile("static/" + name)
		if err != nil {
			panic(err) // the file is part of the program
		}
		if name == "page.css" {
			body = append(body, chart.CSS...)
		}
		sum := sha256.Sum256(body)
		kind := path.Ext(name)
		all[name] = asset{
			url:         AssetsPath + strings.TrimSuffix(name, kind) + "." + hex.EncodeToString(sum[:6]) + kind,
			contentType: contentType,
			body:        body,
			gzip:        compress(body),
		}
	}
	return all
})

func compress(body []byte) []byte {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(body)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		panic(fmt.Sprintf("compress an asset in memory: %v", err)) // a bytes.Buffer takes everything
	}
	return b.Bytes()
}

// Assets serves the files the pages need, each under a URL that changes with
// its content, to be kept for ever.
func Assets() http.Handler {
	byURL := map[string]asset{}
	for _, a := range assets() {
		byURL[a.url] = a
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := byURL[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h, body := w.Header(), a.body
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			body = a.gzip
		}
		h.Set("Content-Type", a.contentType)
		h.Set("Content-Length", strconv.Itoa(len(body)))
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("Vary", "Accept-Encoding")
		h.Set("X-Content-Type-Options", "nosniff")
		if r.Method != http.MethodHead {
			w.Write(body)
		}
	})
}
