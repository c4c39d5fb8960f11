package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/beforehand-go/beforehand/chart"
	"github.com/beforehand-go/beforehand/internal/asset"
)

// AssetsPath is where [Assets] is to be mounted.
const AssetsPath = "/assets/"

// Policy is the Content-Security-Policy to send with every page.
const Policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; " +
	"connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

//go:embed static
var static embed.FS

// file is an asset under a name that changes with its content.
type file struct {
	*asset.Asset
	url string
}

// assets are all files, by the name they have in templates.
var assets = sync.OnceValue(func() map[string]file {
	all := map[string]file{}
	for name, contentType := range map[string]string{
		"page.css": "text/css; charset=utf-8",
		"page.js":  "text/javascript; charset=utf-8",
		"jobs.css": "text/css; charset=utf-8",
		"jobs.js":  "text/javascript; charset=utf-8",
		"live.js":  "text/javascript; charset=utf-8",
		"icon.svg": "image/svg+xml",

		"account.css": "text/css; charset=utf-8",
		"frame.css":   "text/css; charset=utf-8",
		"gallery.css": "text/css; charset=utf-8",
		"gallery.js":  "text/javascript; charset=utf-8",
		"widgets.js":  "text/javascript; charset=utf-8",

		"dashboard.css": "text/css; charset=utf-8",
		"dashboard.js":  "text/javascript; charset=utf-8",
	} {
		body, err := static.ReadFile("static/" + name)
		if err != nil {
			panic(err) // the file is part of the program
		}
		if name == "page.css" {
			body = append(body, chart.CSS...)
		}
		sum := sha256.Sum256(body)
		hash, kind := hex.EncodeToString(sum[:6]), path.Ext(name)
		all[name] = file{asset.New(body, contentType, hash), AssetsPath + strings.TrimSuffix(name, kind) + "." + hash + kind}
	}
	return all
})

// Assets serves the files the pages need, each under a URL that changes with
// its content, to be kept for ever.
func Assets() http.Handler {
	byURL := map[string]file{}
	for _, f := range assets() {
		byURL[f.url] = f
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := byURL[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		f.ServeHTTP(w, r)
	})
}
