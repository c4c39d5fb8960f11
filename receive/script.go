package receive

import (
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"embed"
	"encoding/base64"
	"html"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// scripts are the versions of the script, under their hashes, and the list of
// them.
//
//go:embed script/versions
var scripts embed.FS

// version is the script as it was released once. A page that names it by its
// hash has it for ever.
type version struct {
	hash       string
	body, gzip []byte
	integrity  string // for <script integrity>
	newest     bool
}

// versions are all versions of the script, the newest last.
var versions = sync.OnceValue(func() []version {
	list, err := scripts.ReadFile("script/versions/list.txt")
	if err != nil {
		panic(err) // the files are part of the program
	}
	var all []version
	for line := range strings.Lines(string(list)) {
		hash, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if hash == "#" {
			continue
		}
		body, err := scripts.ReadFile("script/versions/" + hash + ".js")
		if err != nil {
			panic(err)
		}
		sum := sha512.Sum384(body)
		all = append(all, version{hash, body, compress(body), "sha384-" + base64.StdEncoding.EncodeToString(sum[:]), false})
	}
	all[len(all)-1].newest = true
	return all
})

// compress is what a browser gets in place of the body.
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
		panic(err) // a bytes.Buffer takes everything
	}
	return b.Bytes()
}

// file is a version of the script under one of its addresses.
type file struct {
	version
	url string
	age string // how long it may be kept
}

// paths are the addresses of a version for a script of that name.
func (v version) paths(name string) []file {
	all := []file{{v, "/" + name + "." + v.hash + ".js", "public, max-age=31536000, immutable"}}
	if v.newest {
		all = append(all, file{v, "/" + name + ".js", "public, max-age=3600"})
	}
	return all
}

// ServeHTTP serves the script. The ETag is its hash; the answer for the short
// address tells the lasting one and what to check it against.
func (f file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h, body, tag := w.Header(), f.body, `"`+f.hash+`"`
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body, tag = f.gzip, `"`+f.hash+`-gzip"`
	}
	h.Set("Access-Control-Allow-Origin", "*") // for integrity
	h.Set("Cache-Control", f.age)
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Etag", tag)
	h.Set("Script-Version", f.hash+" "+f.integrity)
	h.Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("If-None-Match"), `"`+f.hash) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	w.Write(body)
}

// Tag is the HTML element that puts the script on a page of a server that is
// reached at base, such as "https://stats.example.org". A pinned one names the
// version and what the browser checks it against.
func Tag(base, name, site string, pinned bool) string {
	all := versions()
	v := all[len(all)-1]
	var b strings.Builder
	b.WriteString(`<script defer src="` + base + "/" + name)
	if pinned {
		b.WriteString("." + v.hash + `.js" integrity="` + v.integrity + `" crossorigin="anonymous"`)
	} else {
		b.WriteString(`.js"`)
	}
	if site != "" {
		b.WriteString(` data-site="` + html.EscapeString(site) + `"`)
	}
	b.WriteString("></script>")
	return b.String()
}
