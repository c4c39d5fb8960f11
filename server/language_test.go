package server_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestPagesComeInTheLanguageAskedFor(t *testing.T) {
	h := start(t).Handler()
	const english, chinese = `<html lang="en">`, `<html lang="zh-Hans">`
	for _, path := range []string{"/", "/s/blog/", "/live/"} {
		for _, c := range []struct{ query, accept, want string }{
			{"", "", english},
			{"", "zh-CN,zh;q=0.9,en;q=0.8", chinese},
			{"", "de", english},
			{"?lang=zh", "en", chinese},
			{"?lang=en", "zh", english},
		} {
			w := get(h, path+c.query, "Accept-Language", c.accept)
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("%s%s for %q: status %d, want %s", path, c.query, c.accept, w.Code, c.want)
			}
			if !strings.Contains(w.Header().Get("Vary"), "Accept-Language") {
				t.Errorf("%s: Vary %q", path, w.Header().Get("Vary"))
			}
		}
	}
	tag := get(h, "/?lang=zh").Header().Get("ETag")
	w := get(h, "/", "Accept-Language", "zh", "If-None-Match", tag)
	if w.Code != http.StatusNotModified || !strings.Contains(w.Header().Get("Vary"), "Accept-Language") {
		t.Errorf("status %d, Vary %q", w.Code, w.Header().Get("Vary"))
	}
}
