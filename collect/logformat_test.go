package collect

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

var testAt = time.Date(2024, 10, 4, 0, 0, 18, 0, time.UTC)

// page is what the lines below tell, as far as their formats do.
func testLine() logLine {
	return logLine{
		addr: "203.0.113.9", at: testAt, method: "GET", target: "/a?b=c", status: 200,
		referrer: "https://example.com/", agent: "Mozilla/5.0 (X11)", agentTold: true,
	}
}

func lineWith(change func(*logLine)) logLine {
	l := testLine()
	change(&l)
	return l
}

func parseOne(t testing.TB, format, line string) (logLine, error) {
	t.Helper()
	p, err := newLineParser(format)
	if err != nil {
		t.Fatal(err)
	}
	var l logLine
	for text := range strings.SplitSeq(line, "\n") {
		l = logLine{}
		err = p.parse(text, &l)
	}
	return l, err
}

func TestParseLine(t *testing.T) {
	noAgent := func(l *logLine) { l.referrer, l.agent, l.agentTold = "", "", false }
	for _, c := range []struct {
		name, format, line string
		want               logLine
	}{
		{"nginx", "combined", `203.0.113.9 - - [04/Oct/2024:00:00:18 +0000] "GET /a?b=c HTTP/1.1" 200 51 "https://example.com/" "Mozilla/5.0 (X11)"`, testLine()},
		{
			"a zone, dashes, IPv6", "combined", `2001:db8::1 - - [04/Oct/2024:05:45:18 +0545] "GET / HTTP/2.0" 304 - "-" "-"`,
			logLine{addr: "2001:db8::1", at: testAt, method: "GET", target: "/", status: 304, agentTold: true},
		},
		{
			"a user with spaces, a host name, escaped quotes, a further field", "combined",
			`host.example ident A Person [03/Oct/2024:19:00:18.250 -0500] "GET /\"x\" HTTP/1.0" 200 0 "-" "a \"b\" \xc3\xa9 c\\" 12 34`,
			logLine{addr: "host.example", at: testAt.Add(250 * time.Millisecond), method: "GET", target: `/"x"`, status: 200, agent: "a \"b\" é c\\", agentTold: true},
		},
		{
			"nginx's escapes", "combined", `h - - [04/Oct/2024:00:00:18 +0000] "GET /\x22\xE4\xBD\xA0 HTTP/1.1" 200 1 "-" "\x22x\x22"`,
			logLine{addr: "h", at: testAt, method: "GET", target: "/\"你", status: 200, agent: `"x"`, agentTold: true},
		},
		{
			"a target with spaces", "combined", `h - - [04/Oct/2024:00:00:18 +0000] "GET /a b HTTP/1.1" 200 1 "-" "x"`,
			logLine{addr: "h", at: testAt, method: "GET", target: "/a b", status: 200, agent: "x", agentTold: true},
		},
		{
			"a request that is none", "combined", `h - - [04/Oct/2024:00:00:18 +0000] "\x16\x03\x01" 400 157 "-" "-"`,
			logLine{addr: "h", at: testAt, status: 400, agentTold: true},
		},
		{
			"a request without a protocol", "combined", `h - - [04/Oct/2024:00:00:18 +0000] "GET /" 200 157 "-" "-"`,
			logLine{addr: "h", at: testAt, status: 200, agentTold: true},
		},
		{
			"a leap second", "combined", `h - - [31/Dec/2016:23:59:60 +0000] "GET / HTTP/1.1" 200 1 "-" "x"`,
			logLine{addr: "h", at: time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC), method: "GET", target: "/", status: 200, agent: "x", agentTold: true},
		},
		{
			"an agent with a bracket", "combined", `h - - [04/Oct/2024:00:00:18 +0000] "GET / HTTP/1.1" 200 1 "-" "x [FBAN/FBIOS]"`,
			logLine{addr: "h", at: testAt, method: "GET", target: "/", status: 200, agent: "x [FBAN/FBIOS]", agentTold: true},
		},
		{"behind syslog", "combined", `<190>Oct  4 00:00:18 web nginx[12]: 203.0.113.9 - - [04/Oct/2024:00:00:18 +0000] "GET /a?b=c HTTP/1.1" 200 51 "https://example.com/" "Mozilla/5.0 (X11)"`, testLine()},
		{"behind docker compose", "combined", `web_1  | 203.0.113.9 - - [04/Oct/2024:00:00:18 +0000] "GET /a?b=c HTTP/1.1" 200 51 "https://example.com/" "Mozilla/5.0 (X11)"`, testLine()},
		{"behind the journal", "common", `2024-10-04T00:00:18+0000 web nginx[12]: 203.0.113.9 - A-Person [04/Oct/2024:00:00:18 +0000] "GET /a?b=c HTTP/1.1" 200 51`, lineWith(noAgent)},
		{
			"from a socket", "combined-forwarded", `unix: - - [04/Oct/2024:00:00:18 +0000] "GET /a?b=c HTTP/1.1" 200 51 "https://example.com/" "Mozilla/5.0 (X11)" "203.0.113.9"`,
			lineWith(func(l *logLine) { l.addr, l.forwarded = "", "203.0.113.9" }),
		},
		{
			"JSON of CloudFront, behind a name", "nginx-json", `cdn | {"date":"2024-10-04","time":"00:00:18","c-ip":"203.0.113.9","cs-method":"GET","cs(Host)":"d.cloudfront.example","cs-uri-stem":"/a%2520b","sc-status":"200",` +
				`"cs(Referer)":"-","cs(User-Agent)":"Mozilla/5.0%20(X11)","cs-uri-query":"-","x-host-header":"example.com"}`,
			logLine{host: "example.com", addr: "203.0.113.9", at: testAt, method: "GET", path: "/a%20b", status: 200, agent: "Mozilla/5.0 (X11)", agentTold: true},
		},
		{"common", "common", `203.0.113.9 - - [04/Oct/2024:00:00:18 +0000] "GET /a?b=c HTTP/1.1" 200 51`, lineWith(noAgent)},
		{
			"a host in front", "vhost-combined",
			`example.com:443 203.0.113.9 - - [04/Oct/2024:00:00:18 +0000] "GET /a?b=c HTTP/1.1" 200 51 "https://example.com/" "Mozilla/5.0 (X11)"`,
			lineWith(func(l *logLine) { l.host = "example.com:443" }),
		},
		{
			"a host in front of common", "vhost-common", `example.com 203.0.113.9 - - [04/Oct/2024:00:00:18 +0000] "GET /a?b=c HTTP/1.1" 200 51`,
			lineWith(func(l *logLine) { noAgent(l); l.host = "example.com" }),
		},
		{
			"nginx behind a proxy", "combined-forwarded",
			`10.0.0.1 - - [04/Oct/2024:00:00:18 +0000] "GET /a?b=c HTTP/1.1" 200 51 "https://example.com/" "Mozilla/5.0 (X11)" "203.0.113.9, 10.0.0.7"`,
			lineWith(func(l *logLine) { l.addr, l.forwarded = "10.0.0.1", "203.0.113.9, 10.0.0.7" }),
		},
		{
			"nginx JSON", "nginx-json",
			`{"time_iso8601":"2024-10-04T02:00:18+02:00","remote_addr":"203.0.113.9","request":"GET /a?b=c HTTP/1.1","status":"200","http_referer":"https:\/\/example.com\/","http_user_agent":"Mozilla/5.0 (X11)","host":"example.com","extra":{"a":[1,2,{"b":null}]},"http_accept_language":"de"}`,
			lineWith(func(l *logLine) { l.host, l.language = "example.com", "de" }),
		},
		{
			"nginx JSON in parts", "nginx-json",
			`{"msec": 1728000018.000, "remote_addr": "203.0.113.9", "request_method": "GET", "uri": "/a", "args": "b=c", "status": 200, "http_referer": "https://example.com/", "http_user_agent": "Mozilla/5.0 (X11)"}`,
			lineWith(func(l *logLine) { l.target, l.path, l.query = "", "/a", "b=c" }),
		},
		{
			"Caddy", "caddy",
			`{"level":"info","ts":1728000018.0,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"203.0.113.9","remote_port":"5","client_ip":"203.0.113.9","proto":"HTTP/2.0","method":"GET","host":"example.com","uri":"/a?b=c","headers":{"User-Agent":["Mozilla/5.0 (X11)"],"Referer":["https://example.com/"],"Accept":["*/*"],"Accept-Language":["fr"]},"tls":{"resumed":false}},"bytes_read":0,"duration":0.1,"size":12,"status":200,"resp_headers":{"Server":["Caddy"]}}`,
			lineWith(func(l *logLine) { l.host, l.language = "example.com", "fr" }),
		},
		{
			"Caddy with its time as text", "caddy",
			`{"ts":"2024-10-04T00:00:18.000Z","request":{"remote_addr":"203.0.113.9:51","method":"GET","host":"example.com:8443","uri":"/a?b=c","headers":{"User-Agent":["Mozilla/5.0 (X11)"],"Referer":["https://example.com/"]}},"common_log":"203.0.113.9 - - [04/Oct/2024:00:00:18 +0000] \"GET /x HTTP/1.1\" 200 12","status":200}`,
			lineWith(func(l *logLine) { l.host, l.addr = "example.com:8443", "203.0.113.9:51" }),
		},
		{
			"Caddy with nothing but the common log", "caddy",
			`{"ts":1,"common_log":"203.0.113.9 - - [04/Oct/2024:00:00:18 +0000] \"GET /a?b=c HTTP/1.1\" 200 12"}`, lineWith(noAgent),
		},
		{
			"CloudFront", "cloudfront",
			"#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query x-host-header\n" +
				"2024-10-04\t00:00:18\tFRA2\t51\t203.0.113.9\tGET\td1.cloudfront.net\t/a\t200\thttps://example.com/\tMozilla/5.0%2520(X11)\tb=c\texample.com",
			lineWith(func(l *logLine) { l.host, l.target, l.path, l.query = "example.com", "", "/a", "b=c" }),
		},
		{
			"IIS, whose fields change", "w3c",
			"#Software: Microsoft Internet Information Services 10.0\n#Fields: date time c-ip\n2024-10-04 00:00:17 x\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\n" +
				"2024-10-04 00:00:18 10.0.0.5 GET /a b=c 443 - 203.0.113.9 Mozilla/5.0+(X11) https://example.com/ 200 0 0 5",
			lineWith(func(l *logLine) { l.target, l.path, l.query = "", "/a", "b=c" }),
		},
		{
			"W3C with tabs, quotes and a date of its own", "w3c",
			"#Date: 2024-10-04 00:00:00\n#Fields: time c-ip cs-method cs-uri sc-status cs(Referer) cs(User-Agent)\n" +
				"00:00:18\t203.0.113.9\tGET\t/a?b=c\t200\thttps://example.com/\t\"Mozilla/5.0 (X11)\"",
			testLine(),
		},
		{
			"a format of nginx", `$http_host|$remote_addr|$msec|$request_method $request_uri|$status|${http_referer}|$http_user_agent|$request_time`,
			`example.com|203.0.113.9|1728000018.000|GET /a?b=c|200|https://example.com/|Mozilla/5.0 (X11)|0.1`,
			lineWith(func(l *logLine) { l.host = "example.com" }),
		},
		{
			"a format of Apache", `%V %a %u %{%Y-%m-%dT%H:%M:%S%z}t %m \"%U%q\" %>s %D \"%{referer}i\" \"%{User-agent}i\" %%`,
			`example.com 203.0.113.9 - 2024-10-04T00:00:18+0000 GET "/a?b=c" 200 51 "https://example.com/" "Mozilla/5.0 (X11)" %`,
			lineWith(func(l *logLine) { l.host = "example.com" }),
		},
		{
			"Apache's usual one, spelled out", `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %T`,
			`203.0.113.9 - A Person [04/Oct/2024:00:00:18 +0000] "GET /a?b=c HTTP/1.1" 200 51 "https://example.com/" "Mozilla/5.0 (X11)" 0`, testLine(),
		},
	} {
		got, err := parseOne(t, c.format, c.line)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if !got.at.Equal(c.want.at) {
			t.Errorf("%s: at %v, want %v", c.name, got.at, c.want.at)
		}
		got.at, c.want.at = time.Time{}, time.Time{}
		if got != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", c.name, got, c.want)
		}
	}
}

func TestParseLineSaysWhatIsWrong(t *testing.T) {
	const combined = `h - - [04/Oct/2024:00:00:18 +0000] "GET / HTTP/1.1" 200 51 "-" "x"`
	const caddy = `{"ts":1728000018.0,"request":{"remote_ip":"203.0.113.9","method":"GET","uri":"/"},"status":200}`
	const w3c = "#Fields: date time c-ip cs-method cs-uri-stem sc-status\n2024-10-04 00:00:18 h GET / 200"
	for _, c := range []struct{ format, good, old, new, want string }{
		{"combined", combined, combined, "", `no " " after the address at column 1`},
		{"combined", combined, combined, " x", "no address at column 1"},
		{"combined", combined, " [", " (", `no " [" after the %u at column 5`},
		{"combined", combined, "Oct", "Okt", "no time like 02/Jan/2006:15:04:05 -0700 at column 8"},
		{"combined", combined, "04/Oct", "31/Sep", "no time like 02/Jan/2006:15:04:05 -0700 at column 8"},
		{"combined", combined, "04/Oct/2024", "29/Feb/2023", "no time like 02/Jan/2006:15:04:05 -0700 at column 8"},
		{"combined", combined, "04/Oct", "00/Oct", "no time like 02/Jan/2006:15:04:05 -0700 at column 8"},
		{"combined", combined, "00:00:18", "24:00:18", "no time like 02/Jan/2006:15:04:05 -0700 at column 8"},
		{"combined", combined, "+0000", "+1500", "no time like 02/Jan/2006:15:04:05 -0700 at column 8"},
		{"combined", combined, `1.1"`, "1.1", `before the status at column 59`},
		{"combined", combined, " 200 ", " 20 ", "no status of three digits at column 53"},
		{"combined", combined, " 51 ", " x ", "no size at column 57"},
		{"combined", combined, `"-"`, `-`, `no size at column 57`},
		{"combined", combined, ` "x"`, ``, `no "\" \"" before the agent at column 62`},
		{"combined", combined, `"x"`, `"x`, `no "\"" after the agent at column`},
		{"combined", combined, `"x"`, `"x"y`, "more than the format has at column"},
		{"caddy", caddy, `}`, ``, "no JSON at column"},
		{"caddy", caddy, `"ts":`, `"tt":`, "no time"},
		{"caddy", caddy, `200}`, `200} x`, "more than one object at column"},
		{"caddy", caddy, `200`, `"2 0"`, "no status of three digits at column"},
		{"caddy", caddy, `1728000018.0`, `"yesterday"`, "no time at column"},
		{"caddy", caddy, caddy, `{"level":"info","ts":1646861401.5,"msg":"serving initial configuration"}`, "no request"},
		{"w3c", w3c, "#Fields", "#Field", "no #Fields: line before it"},
		{"w3c", w3c, " 200", "", "5 fields where there are to be 6"},
		{"w3c", w3c, " 200", " 200 1", "more than 6 fields"},
		{"w3c", w3c, "2024-10-04", "2024-13-04", "no date like 2006-01-02"},
	} {
		if _, err := parseOne(t, c.format, c.good); err != nil {
			t.Fatal(err)
		}
		_, err := parseOne(t, c.format, strings.Replace(c.good, c.old, c.new, 1))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %q for %q: error %v, want %q", c.format, c.new, c.old, err, c.want)
		}
	}
}

func TestFormatStringsThatAreRefused(t *testing.T) {
	for format, want := range map[string]string{
		"":                                   "no format",
		"apache":                             "name one of vhost-combined",
		"$remote_addr":                       "it has no time",
		"$time_local $status":                "it has no request",
		"$time_local $uri":                   "it has no method",
		"%t %r":                              "it has no status",
		"%t %r%>s":                           "nothing stands between %r and %>s",
		"%{%s %N}t %r %s":                    "use %t",
		"%":                                  "a % without a letter",
		"%{x":                                "a %{ without its }",
		"${x":                                "a ${ without its }",
		"$ x":                                "a $ without a name",
		`%h %l %u %t "%r" %>s %b %{c}a %^FB`: "",
	} {
		err := CheckFormat(format)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: error %v, want %q", format, err, want)
		}
	}
}

func TestDetect(t *testing.T) {
	const (
		common   = `203.0.113.9 - - [04/Oct/2024:00:00:18 +0000] "GET / HTTP/1.1" 200 51`
		combined = common + ` "-" "x"`
		user     = `203.0.113.9 - A Person [04/Oct/2024:00:00:18 +0000] "GET / HTTP/1.1" 200 51 "-" "x"`
	)
	for _, c := range []struct{ name, head, want string }{
		{"combined", combined, "combined"},
		{"a user with a space", user, "combined"},
		{"a time after the agent", combined + ` "0.12"`, "combined"},
		{"forwarded", combined + ` "203.0.113.9, 10.0.0.1"`, "combined-forwarded"},
		{"no forwarded", combined + ` "-"`, "combined-forwarded"},
		{"common", common, "common"},
		{"broken lines first", "x\n\n\x00\x01\n" + strings.Repeat("y", 500) + "\n" + combined, "combined"},
		{"a few lines of another format", common + "\n" + combined + "\n" + combined, "combined"},
		{"a host", "example.com " + combined, "vhost-combined"},
		{"a host and host names", "example.com visitor.example - - " + combined[len("203.0.113.9 - - "):], "vhost-combined"},
		{"a host and no address", "example.com:80 - - - " + combined[len("203.0.113.9 - - "):], "vhost-combined"},
		{"a host, common", "example.com:443 " + common, "vhost-common"},
		{"IPv6", "2001:db8::1" + combined[len("203.0.113.9"):], "combined"},
		{"W3C before its lines", "#Software: x\r\n#Version: 1.0\r\n#Fields: date time c-ip cs-method cs-uri-stem sc-status\r\n", "w3c"},
		{"nothing", "x\ny\n", ""},
		{"a comment only", "#x\n", ""},
	} {
		got, err := detect(c.head + "\n")
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, error %v, want %q", c.name, got, err, c.want)
		}
	}
}

func TestSender(t *testing.T) {
	for _, c := range []struct{ addr, forwarded, want string }{
		{"203.0.113.9", "", "203.0.113.9"},
		{"203.0.113.9:5123", "", "203.0.113.9"},
		{"[2001:db8::1]:5123", "", "2001:db8::1"},
		{"[2001:db8::1]", "", "2001:db8::1"},
		{"2001:db8::1", "", "2001:db8::1"},
		{"visitor.example", "", "visitor.example"},
		{"", "", ""},
		{"10.0.0.1", "203.0.113.9, 10.0.0.7", "203.0.113.9"},
		{"::1", "192.168.1.5, 203.0.113.9", "203.0.113.9"},
		{"127.0.0.1", "192.168.1.5", "192.168.1.5"},
		{"127.0.0.1", "unknown, <script>", "127.0.0.1"},
		{"", "203.0.113.9:12", "203.0.113.9"},
		{"198.51.100.1", "203.0.113.9", "198.51.100.1"}, // anybody can send the header
		{"proxy.example", "203.0.113.9", "proxy.example"},
	} {
		l := logLine{addr: c.addr, forwarded: c.forwarded}
		if got := l.sender(); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

func TestParseAnyTime(t *testing.T) {
	want := time.Date(2024, 10, 4, 0, 0, 18, 250e6, time.UTC)
	for _, s := range []string{
		"1728000018.25", "1728000018250", "1728000018250.0", "1728000018250000", "1728000018250000000", "1.72800001825e9",
		"2024-10-04T00:00:18.25Z", "2024-10-04T02:00:18.250+02:00", "2024-10-04T02:00:18,25+0200", "2024-10-04 00:00:18.25",
		"2024/10/04 00:00:18.250", "2024-10-04 00:00:18.25 UTC", "04/Oct/2024:00:00:18.25 +0000",
	} {
		if got, err := parseAnyTime(s); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, error %v", s, got, err)
		}
	}
	for _, s := range []string{"", "-", "x", "2024-02-30T00:00:00Z", "2024-10-04", "2024-10-04T25:00:00Z", "1e400", "--5", "00:00:18"} {
		if got, err := parseAnyTime(s); err == nil {
			t.Errorf("%q was taken as %v", s, got)
		}
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		`a`: "a", `\"a\"`: `"a"`, `\x22\xe4\xBD\xa0`: `"` + "你", `\u4f60\/`: "你/", `\ud83d\ude00`: "😀", `\ud83d`: "\ufffd",
		`\n\t\\`: "\n\t\\", `\`: `\`, `\q`: `\q`, `\x2`: `\x2`, `\xzz`: `\xzz`, `\u12`: `\u12`, `a\\x22`: `a\x22`,
	} {
		if got := unescape(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestDecodePercentOfPercent(t *testing.T) {
	for in, want := range map[string]string{
		"/a": "/a", "/%25E4%25BD%25A0": "/%E4%BD%A0", "/100%25": "/100%25", "/100%2525": "/100%25", "/a%20b": "/a%20b", "%25": "%25",
	} {
		if got := decodePercentOfPercent(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// FuzzParseLine gives a line to the parser of every format.
func FuzzParseLine(f *testing.F) {
	for _, line := range []string{
		`h - - [04/Oct/2024:00:00:18 +0000] "GET / HTTP/1.1" 200 51 "-" "x"`,
		`v:1 h a b c [04/Oct/2024:00:00:18 -1459] "\"" 200 - "\\" "\"" "1.2.3.4, x"`,
		`{"ts":1e9,"request":{"uri":"/","method":"GET","headers":{"A":["b"]}},"status":200}`,
		`{"msec":"1728000018.000","request":"GET / HTTP/1.1","status":"200","x":[[{}]]}`,
		"2024-10-04\t00:00:18\th\tGET\t/%25\t200\tx%2520y", "2024-10-04 00:00:18 h GET /a+b 200 x+y",
	} {
		f.Add(line)
	}
	const directive = "#Fields: date time c-ip cs-method cs-uri-stem sc-status cs(User-Agent)"
	formats := append(FormatNames(), directive, "$remote_addr $time_iso8601 $request_method $uri $args $status $http_user_agent")
	f.Fuzz(func(t *testing.T, line string) {
		for _, format := range formats {
			p, err := newLineParser(format)
			if err != nil {
				t.Fatal(err)
			}
			if format == "cloudfront" {
				p.parse(directive, &logLine{})
			}
			var l logLine
			if p.parse(line, &l) == nil {
				checkLine(t, fmt.Sprintf("%s: %q", format, line), &l)
			}
		}
	})
}

func checkLine(t *testing.T, name string, l *logLine) {
	t.Helper()
	if l.status < 0 || l.status > 999 || l.at.Year() < -2 || l.at.Year() > 10000 {
		t.Errorf("%s gives %+v", name, l)
	}
	l.status, l.method = 200, "GET"
	var seen Seen
	left := l.seen(&seen)
	if left != "" {
		return
	}
	if p, ok := pagePath(seen.URL); ok {
		checkPath(t, p)
	}
	referrerHost(seen.Referrer)
	classify(seen.Agent)
}

func BenchmarkParseLine(b *testing.B) {
	for format, line := range map[string]string{
		"combined":   `203.0.113.9 - - [04/Oct/2024:00:00:18 +0000] "GET /posts/hello?utm_source=x HTTP/1.1" 200 5123 "https://example.com/" "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"`,
		"nginx-json": `{"time_iso8601":"2024-10-04T02:00:18+02:00","remote_addr":"203.0.113.9","request":"GET /posts/hello HTTP/1.1","status":"200","http_referer":"https://example.com/","http_user_agent":"Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"}`,
	} {
		b.Run(format, func(b *testing.B) {
			p, err := newLineParser(format)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			var l logLine
			for b.Loop() {
				l = logLine{}
				if err := p.parse(line, &l); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// FuzzFormat gives whatever as a format string, and a line to the parser it
// makes.
func FuzzFormat(f *testing.F) {
	for _, format := range []string{
		`$http_host $remote_addr [$time_local] "$request" $status "$http_user_agent"`,
		`%v %a %{%Y-%m-%dT%H:%M:%S%z}t %m %U%q %>s "%{Referer}i" "%{User-Agent}i"`,
		"#Fields: date time c-ip cs-method cs-uri-stem sc-status", "%h%t%r%s", "$time_iso8601$$", "%{sec}t %{usec_frac}t %!200s",
		"%{%s}t|%r|%s", "$msec:$request_uri:$status:$request_method",
	} {
		f.Add(format, `h - - [04/Oct/2024:00:00:18 +0000] "GET / HTTP/1.1" 200 51 "-" "x"`)
		f.Add(format, "1728000018.5|GET /a?b HTTP/1.1|200")
	}
	f.Fuzz(func(t *testing.T, format, line string) {
		p, err := newLineParser(format)
		if err != nil {
			return
		}
		for range 2 { // the second line after the first
			var l logLine
			if p.parse(line, &l) == nil {
				checkLine(t, fmt.Sprintf("%q: %q", format, line), &l)
			}
		}
	})
}
