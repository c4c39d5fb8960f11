package country_test

import (
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beforehand-go/beforehand/country"
)

func TestEmbedded(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1": "", "10.0.0.1": "", "::1": "", "fe80::1": "", "127.0.0.1": "",
		"193.0.6.139": "NL", "::ffff:193.0.6.139": "NL", "2001:67c:2e8:22::c100:68b": "NL",
	} {
		if got := country.Embedded(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %q, want %q", addr, got, want)
		}
	}
}

// Values of the MaxMind DB format.
func text(s string) string { return string([]byte{2<<5 | byte(len(s))}) + s }

func number(kind byte, n uint32) string {
	return string([]byte{kind<<5 | 4}) + string(binary.BigEndian.AppendUint32(nil, n))
}

func object(pairs ...string) string {
	return string([]byte{7<<5 | byte(len(pairs)/2)}) + strings.Join(pairs, "")
}

// write makes a file in which the lower half of all addresses is in France.
func write(t *testing.T) string {
	t.Helper()
	short := func(n byte) string { return string([]byte{5<<5 | 1, n}) }
	tree := string([]byte{0, 0, 1 + 16, 0, 0, 1}) // left: the data at 0; right: nothing
	data := object(text("country"), object(text("iso_code"), text("FR")))
	about := object(
		text("node_count"), number(6, 1), text("record_size"), short(24), text("ip_version"), short(4),
		text("database_type"), text("Test"), text("languages"), "\x00\x04", text("binary_format_major_version"), short(2),
		text("binary_format_minor_version"), short(0), text("build_epoch"), "\x01\x02\x01", text("description"), object(),
	)
	path := filepath.Join(t.TempDir(), "test.mmdb")
	body := tree + strings.Repeat("\x00", 16) + data + "\xab\xcd\xefMaxMind.com" + about
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFile(t *testing.T) {
	f, err := country.Open(write(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for addr, want := range map[string]string{"1.2.3.4": "FR", "::ffff:1.2.3.4": "FR", "203.0.113.7": "", "2001:db8::1": ""} {
		if got := f.Country(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %q, want %q", addr, got, want)
		}
	}
}

func TestFileThatIsNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.mmdb")
	if err := os.WriteFile(path, []byte("no such thing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, path + "x"} {
		if _, err := country.Open(p); err == nil || !strings.Contains(err.Error(), p) {
			t.Errorf("%v", err)
		}
	}
}
