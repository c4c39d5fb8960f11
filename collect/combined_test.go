package collect

import (
	"strings"
	"testing"
	"time"
)

func TestParseCombined(t *testing.T) {
	at := time.Date(2024, 10, 4, 0, 0, 18, 0, time.UTC)
	for _, c := range []struct {
		name, line string
		want       logLine
	}{
		{
			"nginx",
			`203.0.113.9 - - [04/Oct/2024:00:00:18 +0000] "GET /a?b=c HTTP/1.1" 200 51 "https://example.com/" "Mozilla/5.0"`,
			logLine{addr: []byte("203.0.113.9"), at: at, method: []byte("GET"), target: []byte("/a?b=c"), status: 200, referrer: []byte("https://example.com/"), agent: []byte("Mozilla/5.0")},
		},
		{
			"a zone, dashes, IPv6",
			`2001:db8::1 - - [04/Oct/2024:05:45:18 +0545] "GET / HTTP/2.0" 304 - "-" "-"`,
			logLine{addr: []byte("2001:db8::1"), at: at, method: []byte("GET"), target: []byte("/"), status: 304},
		},
		{
			"a user with spaces, a host name, escaped quotes, a further field",
			`host.example ident A Person [03/Oct/2024:19:00:18 -0500] "GET /\"x\" HTTP/1.0" 200 0 "-" "a \"b\" c" "198.51.100.1"`,
			logLine{addr: []byte("host.example"), at: at, method: []byte("GET"), target: []byte(`/\"x\"`), status: 200, agent: []byte(`a \"b\" c`)},
		},
		{
			"a target with spaces",
			`h - - [04/Oct/2024:00:00:18 +0000] "GET /a b HTTP/1.1" 200 1 "-" "x"`,
			logLine{addr: []byte("h"), at: at, method: []byte("GET"), target: []byte("/a b"), status: 200, agent: []byte("x")},
		},
		{
			"a request that is none",
			`h - - [04/Oct/2024:00:00:18 +0000] "\x16\x03\x01" 400 157 "-" "-"`,
			logLine{addr: []byte("h"), at: at, status: 400},
		},
		{
			"a leap second",
			`h - - [31/Dec/2016:23:59:60 +0000] "GET / HTTP/1.1" 200 1 "-" "x"`,
			logLine{addr: []byte("h"), at: time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC), method: []byte("GET"), target: []byte("/"), status: 200, agent: []byte("x")},
		},
	} {
		got, err := parseCombined([]byte(c.line))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if !sameLine(got, c.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", c.name, got, c.want)
		}
	}
}

func sameLine(a, b logLine) bool {
	return string(a.addr) == string(b.addr) && a.at.Equal(b.at) && string(a.method) == string(b.method) &&
		string(a.target) == string(b.target) && a.status == b.status &&
		string(a.referrer) == string(b.referrer) && string(a.agent) == string(b.agent)
}

func TestParseCombinedSaysWhatIsWrong(t *testing.T) {
	const good = `h - - [04/Oct/2024:00:00:18 +0000] "GET / HTTP/1.1" 200 51 "-" "x"`
	if _, err := parseCombined([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{good, "", "no address at column 1"},
		{good, " x", "no address at column 1"},
		{" [", " (", "no [time] after column 3"},
		{"Oct", "Okt", "no time like 02/Jan/2006:15:04:05 -0700 at column 8"},
		{"04/Oct", "31/Sep", "no time like 02/Jan/2006:15:04:05 -0700 at column 8"},
		{"04/Oct", "00/Oct", "no time like 02/Jan/2006:15:04:05 -0700 at column 8"},
		{"00:00:18", "24:00:18", "no time like 02/Jan/2006:15:04:05 -0700 at column 8"},
		{"+0000", "+1500", "no time like 02/Jan/2006:15:04:05 -0700 at column 8"},
		{"] ", "]", "no ] at column 34"},
		{`"GET`, "GET", "no quoted request after column 36"},
		{`1.1"`, "1.1", "no status at column"},
		{" 200 ", " 20 ", "no status of three digits at column 53"},
		{" 51 ", " x ", "no size before column"},
		{`"-"`, `-`, "no quoted referrer after column"},
		{` "x"`, ``, "no agent at column"},
		{`"x"`, `"x`, "no quoted agent after column"},
		{`"x"`, `"x"y`, "no space at column"},
	} {
		_, err := parseCombined([]byte(strings.Replace(good, c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q for %q: error %v, want %q", c.new, c.old, err, c.want)
		}
	}
}

func FuzzParseCombined(f *testing.F) {
	f.Add([]byte(`h - - [04/Oct/2024:00:00:18 +0000] "GET / HTTP/1.1" 200 51 "-" "x"`))
	f.Add([]byte(`h a b c [04/Oct/2024:00:00:18 -1459] "\"" 200 - "\\" "\"" z`))
	f.Fuzz(func(t *testing.T, line []byte) {
		l, err := parseCombined(line)
		if err != nil {
			return
		}
		if len(l.addr) == 0 || l.status < 0 || l.status > 999 || l.at.Year() < -1 || l.at.Year() > 10000 {
			t.Errorf("%q gives %+v", line, l)
		}
		if p, ok := pagePath(string(l.target)); ok {
			checkPath(t, p)
		}
		referrerHost(string(l.referrer))
		classify(string(l.agent))
	})
}

func BenchmarkParseCombined(b *testing.B) {
	line := []byte(`203.0.113.9 - - [04/Oct/2024:00:00:18 +0000] "GET /posts/hello?utm_source=x HTTP/1.1" 200 5123 "https://example.com/" "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"`)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if _, err := parseCombined(line); err != nil {
			b.Fatal(err)
		}
	}
}
