package receive

import (
	"crypto/sha512"
	"embed"
	"encoding/base64"
	"html"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/beforehand-go/beforehand/internal/asset"
)

// scripts are the versions of the script, under their hashes, and the list of
// them.
//
//go:embed script/versions
var scripts embed.FS

// version is the script as it was released once. A page that names it by its
// hash has it for ever.
type version struct {
	hash      string
	integrity string // for <script integrity>
	newest    bool
	asset     *asset.Asset
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
		all = append(all, version{
			hash: hash, integrity: "sha384-" + base64.StdEncoding.EncodeToString(sum[:]),
			asset: asset.New(body, "text/javascript; charset=utf-8", hash),
		})
	}
	all[len(all)-1].newest = true
	return all
})

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
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*") // for integrity
	h.Set("Cache-Control", f.age)
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Script-Version", f.hash+" "+f.integrity)
	f.asset.ServeHTTP(w, r)
}

// Tag is the HTML element that puts the script on a page of a server that is
// reached at base, such as "https://stats.example.org". A pinned one names the
// version and what the browser checks it against.
func Tag(base, name, site string, pinned bool) string {
	all := versions()
	v := all[len(all)-1]
	var b strings.Builder
	b.WriteString(`<script defer src="` + html.EscapeString(base) + "/" + name)
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

// PictureTag is the HTML element that counts a page by a picture.
func PictureTag(base, name, site string) string {
	address := base + "/" + name + ".gif"
	if site != "" {
		address += "?s=" + url.QueryEscape(site)
	}
	return `<img src="` + html.EscapeString(address) + `" alt="" width="1" height="1" referrerpolicy="no-referrer-when-downgrade">`
}

// Integrity is what a browser checks a file of the script of that name against,
// and whether there is such a file.
func Integrity(file, name string) (integrity string, ok bool) {
	for _, v := range versions() {
		for _, f := range v.paths(name) {
			if f.url == "/"+file {
				return v.integrity, true
			}
		}
	}
	return "", false
}
