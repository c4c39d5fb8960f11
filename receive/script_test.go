package receive

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/evanw/esbuild/pkg/api"
)

var update = flag.Bool("update", false, "make the newest version of the script from its source")

const versionsDir = "script/versions"

// unreleased marks the version that no release has yet: it alone may be
// replaced. A release writes its number in place of the word.
const unreleased = "unreleased"

// minified is the script as its source makes it.
func minified(t *testing.T) []byte {
	t.Helper()
	source, err := os.ReadFile("script/script.js")
	if err != nil {
		t.Fatal(err)
	}
	out := api.Transform(string(source), api.TransformOptions{
		MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true, Target: api.ES2018, Charset: api.CharsetUTF8,
	})
	if len(out.Errors) > 0 || len(out.Warnings) > 0 {
		t.Fatal(out.Errors, out.Warnings)
	}
	return bytes.TrimSpace(out.Code)
}

func hashOf(script []byte) string {
	sum := sha256.Sum256(script)
	return hex.EncodeToString(sum[:8])
}

// listed is the list of versions: hashes, and the release each came with.
func listed(t *testing.T) (hashes, releases []string) {
	t.Helper()
	list, err := os.ReadFile(filepath.Join(versionsDir, "list.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(list)) {
		hash, release, _ := strings.Cut(strings.TrimSpace(line), " ")
		if hash != "#" {
			hashes, releases = append(hashes, hash), append(releases, release)
		}
	}
	return hashes, releases
}

// replace makes the newest version anew. One that was released stays.
func replace(t *testing.T, script []byte) {
	t.Helper()
	hashes, releases := listed(t)
	if n := len(hashes); n > 0 && releases[n-1] == unreleased {
		os.Remove(filepath.Join(versionsDir, hashes[n-1]+".js"))
		hashes, releases = hashes[:n-1], releases[:n-1]
	}
	if hash := hashOf(script); !slices.Contains(hashes, hash) {
		hashes, releases = append(hashes, hash), append(releases, unreleased)
	}
	var list strings.Builder
	list.WriteString("# A line is a version of the script, the newest last: its hash, and the release that it came with.\n")
	for i, hash := range hashes {
		list.WriteString(hash + " " + releases[i] + "\n")
	}
	err := os.WriteFile(filepath.Join(versionsDir, "list.txt"), []byte(list.String()), 0o600)
	if err == nil {
		err = os.WriteFile(filepath.Join(versionsDir, hashOf(script)+".js"), script, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestScriptVersions holds the newest version to be what the source makes, and
// every version that was released to be there, byte for byte: pages that name
// it by its hash go on asking for it.
func TestScriptVersions(t *testing.T) {
	script := minified(t)
	if *update {
		replace(t, script)
	}
	hashes, releases := listed(t)
	if len(hashes) == 0 || hashes[len(hashes)-1] != hashOf(script) {
		t.Fatalf("the newest version is not what script.js makes, which is %s: go test ./receive -run ScriptVersions -update", hashOf(script))
	}
	for i, hash := range hashes {
		body, err := os.ReadFile(filepath.Join(versionsDir, hash+".js"))
		if err != nil || hashOf(body) != hash {
			t.Errorf("version %s of release %s is not there as it was: put it back", hash, releases[i])
		}
		if releases[i] == unreleased && i < len(hashes)-1 {
			t.Errorf("version %s was replaced and not released: take it out", hash)
		}
	}
}

// TestScriptIsSmall holds the script to what a page can spare.
func TestScriptIsSmall(t *testing.T) {
	all := versions()
	newest := all[len(all)-1]
	t.Logf("%d bytes, %d in gzip", len(newest.asset.Body), len(newest.asset.Packed))
	if len(newest.asset.Packed) > 1000 {
		t.Errorf("the script takes %d bytes in gzip, more than 1,000", len(newest.asset.Packed))
	}
	for _, storage := range []string{"cookie", "localStorage", "sessionStorage", "indexedDB", "caches"} {
		if bytes.Contains(newest.asset.Body, []byte(storage)) {
			t.Errorf("the script uses %s", storage)
		}
	}
}
