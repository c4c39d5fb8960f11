package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/beforehand-go/beforehand/web"
)

func get(t *testing.T, method, path, encoding string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("Accept-Encoding", encoding)
	w := httptest.NewRecorder()
	web.Assets().ServeHTTP(w, r)
	return w.Result()
}

func read(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// assetBodies are the files a page names.
func assetBodies(t *testing.T, html string) []string {
	t.Helper()
	var all []string
	for _, m := range regexp.MustCompile(`(?:href|src)="(/assets/[^"]*)"`).FindAllStringSubmatch(html, -1) {
		resp := get(t, "GET", m[1], "")
		if resp.StatusCode != 200 {
			t.Fatalf("%s: %s", m[1], resp.Status)
		}
		all = append(all, read(t, resp.Body))
	}
	if len(all) != 3 {
		t.Errorf("the page names %d assets, want style, icon and script", len(all))
	}
	return all
}

func TestAssetsAreKeptForEver(t *testing.T) {
	for _, m := range regexp.MustCompile(`/assets/[^"]*`).FindAllString(write(t, variants()["demo"]), -1) {
		plain, packed, head := get(t, "GET", m, ""), get(t, "GET", m, "br, gzip"), get(t, "HEAD", m, "")
		for _, resp := range []*http.Response{plain, packed, head} {
			if resp.StatusCode != 200 || !strings.Contains(resp.Header.Get("Cache-Control"), "immutable") ||
				resp.Header.Get("Vary") != "Accept-Encoding" || resp.Header.Get("Content-Type") == "" {
				t.Errorf("%s: %s %v", m, resp.Status, resp.Header)
			}
		}
		body := read(t, plain.Body)
		if plain.Header.Get("Content-Length") != strconv.Itoa(len(body)) {
			t.Errorf("%s: length %s of %d", m, plain.Header.Get("Content-Length"), len(body))
		}
		z, err := gzip.NewReader(packed.Body)
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, z); got != body {
			t.Errorf("%s: unpacked, it is another file", m)
		}
		if got := read(t, head.Body); got != "" {
			t.Errorf("%s: HEAD has a body", m)
		}
	}
}

func TestUnknownAssetIsNotFound(t *testing.T) {
	for _, path := range []string{"/assets/", "/assets/page.css", "/assets/page.000000000000.css", "/assets/../page.go"} {
		if resp := get(t, "GET", path, ""); resp.StatusCode != 404 {
			t.Errorf("%s: %s, want 404", path, resp.Status)
		}
	}
}
