package asset

import (
	"compress/gzip"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAsset(t *testing.T) {
	text := strings.Repeat("body{} ", 100)
	a := New([]byte(text), "text/css", "v1")
	tests := []struct {
		method, encoding, tag string
		code                  int
		wantTag, wantEncoding string
	}{
		{"GET", "", "", 200, `"v1"`, ""},
		{"GET", "gzip, br", "", 200, `"v1-gzip"`, "gzip"},
		{"HEAD", "", "", 200, `"v1"`, ""},
		{"GET", "gzip", `"v1-gzip"`, 304, `"v1-gzip"`, ""},
		{"GET", "", `W/"v1"`, 304, `"v1"`, ""},
		{"GET", "", `"v2"`, 200, `"v1"`, ""},
	}
	for _, tt := range tests {
		r := httptest.NewRequest(tt.method, "/a.css", nil)
		r.Header.Set("Accept-Encoding", tt.encoding)
		r.Header.Set("If-None-Match", tt.tag)
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		h := w.Header()
		if w.Code != tt.code || h.Get("Etag") != tt.wantTag || h.Get("Content-Encoding") != tt.wantEncoding || h.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%+v: %d %v", tt, w.Code, h)
		}
		if tt.code != 200 {
			continue
		}
		var body io.Reader = w.Body
		if tt.wantEncoding != "" {
			z, err := gzip.NewReader(body)
			if err != nil {
				t.Fatal(err)
			}
			body = z
		}
		want := text
		if tt.method == "HEAD" {
			want = ""
		}
		if b, err := io.ReadAll(body); string(b) != want || err != nil || h.Get("Content-Type") != "text/css" {
			t.Errorf("%+v: %d bytes of %s, %v", tt, len(b), h.Get("Content-Type"), err)
		}
	}
}
