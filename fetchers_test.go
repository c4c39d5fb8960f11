package beforehand_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// dials are what connects to somewhere.
var dials = regexp.MustCompile(`http\.(Client|Transport)\{|http\.(Get|Post|PostForm|Head|DefaultClient|DefaultTransport)\b|net\.(Dialer\{|Dial)`)

// dialers are the files that connect to somewhere without asking internal/fetch
// whether they may, and why.
var dialers = map[string]string{
	"internal/fetch/fetch.go":   "it is what asks",
	"internal/fetch/post.go":    "by the transport of fetch.go",
	"listen/acme.go":            "the authority that who runs the server names",
	"listen/address.go":         "a socket of its own",
	"courier/mailer.go":         "the mail server that who runs the server names",
	"middleware/queue/queue.go": "the server that a Go program's author names",
	"cmd/beforehand/front.go":   "this process",
	"cmd/beforehand/notify.go":  "the socket of systemd",
	"cmd/beforehand/remote.go":  "the socket in the data directory",
}

// TestEveryFetcherAsksWhetherItMay finds whatever connects to somewhere.
func TestEveryFetcherAsksWhetherItMay(t *testing.T) {
	found := map[string]bool{}
	for _, dir := range packageDirs(t) {
		if strings.HasPrefix(dir, "examples") || strings.HasSuffix(dir, "test") || dir == "internal/throwaway" {
			continue
		}
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if name = filepath.ToSlash(name); dials.Match(text) {
				if found[name] = true; dialers[name] == "" {
					t.Errorf("%s connects to somewhere: use internal/fetch, or say in this test why not", name)
				}
			}
		}
	}
	for name := range dialers {
		if !found[name] {
			t.Errorf("%s connects to nothing any more", name)
		}
	}
}
