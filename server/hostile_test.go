package server_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/exports"
	"github.com/beforehand-go/beforehand/server"
)

// rubbish are texts that are to break a parser, a terminal, a spreadsheet or a
// page: attacks with bytes put in that no text has.
func rubbish() []string {
	r := rand.New(rand.NewPCG(11, 5))
	odd := []string{"\x1b[2J", "\x1b]0;owned\a", "\x9b31m", "\u009b31m", "\xff\xfe", "\xc0\xaf", "\xed\xa0\x80", "\u202e", "\u2066", "\u2028", "\x7f", "\b", "\x00", "\t", "%0d%0aSet-Cookie:x", "\\x1b", "\\u001b", "%1b%5b2J", "%00"}
	all := []string{
		"=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", " =1+1", "%3D1", strings.Repeat("a/", 4_000), strings.Repeat("\x1b", 500),
		"/../../etc/passwd", "/.env", "/wp-login.php?a=<x>", "/cgi-bin/;wget${IFS}http://x", `/?q={"a":1}`, "/%c0%ae%c0%ae/", "\xe2\x80", `\`, `\"`, `"`, `',`,
	}
	for i, attack := range attacks() {
		if i%2 == 0 {
			continue // those come by the API alone
		}
		at := r.IntN(len(attack) + 1)
		all = append(all, attack[:at]+odd[r.IntN(len(odd))]+attack[at:])
	}
	for _, b := range odd {
		all = append(all, "x"+b+"y")
	}
	return all
}

// locked is a buffer that several write into.
type locked struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *locked) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

// oneLine is a text without what would end the line that it is written on.
func oneLine(s string) string { return strings.NewReplacer("\n", "", "\r", "").Replace(s) }

// everyWayIn sends a text by each way in, wherever it can be put.
func everyWayIn(t *testing.T, s *server.Server, i int, text string) {
	t.Helper()
	h := s.Handler()
	address := "https://blog.example/" + text
	if i%2 == 1 {
		address = "https://blog.example/" + url.PathEscape(text) + "?utm_source=" + url.QueryEscape(text) + "&utm_medium=" + url.QueryEscape(text)
	}
	asked := func(code int, what string) {
		if code >= 500 {
			t.Errorf("%s with %q: %d", what, text, code)
		}
	}
	head := http.Header{"User-Agent": {firefox + text}, "Accept-Language": {text}, "X-Forwarded-For": {text}}
	to := []string{address, "https://" + text + "/", text}[i%3]
	body, err := json.Marshal(map[string]any{"u": to, "t": text, "r": "https://news.example/" + text, "z": text, "w": 300, "s": ""})
	if err != nil {
		t.Fatal(err)
	}
	raw := fmt.Sprintf(`{"u":"%s","t":"%s"}`, to, text) // mostly no JSON
	for _, body := range []string{string(body), raw} {
		asked(request{method: http.MethodPost, path: "/b.js", addr: elsewhere, header: head, body: body}.do(h).Code, "the script")
	}
	query := url.Values{"u": {to}, "t": {text}, "r": {"https://news.example/" + text}}
	asked(request{path: "/b.gif?" + query.Encode(), addr: elsewhere, header: head}.do(h).Code, "the picture")
	asked(request{path: "/busuanzi?jsonpCallback=" + url.QueryEscape("BusuanziCallback_"+text), addr: elsewhere, header: http.Header{"Referer": {address}}}.do(h).Code, "busuanzi")

	line := oneLine(text)
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(line)
	asJSON, err := json.Marshal(map[string]string{
		"time_iso8601": "2026-01-02T00:00:00Z", "remote_addr": "203.0.113.9", "request_method": "GET", "request_uri": "/" + text, "status": "200", "http_user_agent": firefox + text, "http_referer": "https://r.example/" + text,
	})
	if err != nil {
		t.Fatal(err)
	}
	logs := []string{
		fmt.Sprintf("203.0.113.9 - %s [02/Jan/2026:00:00:00 +0000] \"GET /%s HTTP/1.1\" 200 5 \"https://r.example/%s\" \"%s\"\n", line, quoted, quoted, firefox+quoted),
		fmt.Sprintf("%s 203.0.113.9 - - [02/Jan/2026:00:00:00 +0000] \"GET /%s HTTP/1.1\" 200 5 \"-\" \"%s\"\n", line, line, firefox+line),
		string(asJSON) + "\n",
		"#Fields: date time c-ip cs-method cs-uri-stem sc-status cs(User-Agent) cs(Referer)\n2026-01-02 00:00:00 203.0.113.9 GET /" + line + " 200 Mozilla/5.0+" + line + " https://r.example/" + line + "\n",
		"#Fields: date time x-edge-location c-ip cs-method cs-uri-stem sc-status cs(User-Agent)\n2026-01-02\t00:00:00\tX\t203.0.113.9\tGET\t/" + line + "\t200\tMozilla/5.0%20" + line + "\n",
		line + "\n",
	}
	for _, log := range logs {
		importLog(t, s, "/import?site=blog&name="+url.QueryEscape(text), log)
	}
	var table bytes.Buffer
	w := csv.NewWriter(&table)
	w.WriteAll([][]string{
		{"session_id", "url_path", "event_type", "created_at", "page_title", "referrer_domain", "browser", "os", "country", "language", "utm_source"},
		{text, "/" + text, "1", "2026-01-02 00:00:00", text, "r.example/" + text, text, text, text, text, text},
		{text, text, text, text},
	})
	importLog(t, s, "/import?site=blog&from=&beside=true&name="+url.QueryEscape(text), table.String())
}

// printable says what in an answer is no text to be shown: a control character
// can take a terminal over, and one of direction a page.
func printable(kind, body string) error {
	if strings.HasPrefix(kind, "image/") && !strings.HasPrefix(kind, "image/svg") || strings.HasPrefix(kind, "font/") {
		return nil
	}
	for i := 0; i < len(body); {
		r, n := utf8.DecodeRuneInString(body[i:])
		direction := r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
		if r == utf8.RuneError && n == 1 || direction || unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' {
			return fmt.Errorf("%q at byte %d: %q", r, i, body[max(i-40, 0):min(i+20, len(body))])
		}
		i += n
	}
	if !strings.HasPrefix(kind, "text/csv") {
		return nil
	}
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil {
		return err
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) && !json.Valid([]byte(cell)) {
				return fmt.Errorf("a formula: %q", cell)
			}
		}
	}
	return nil
}

// TestPrintableFindsWhatIsNot makes sure that the test below can fail.
func TestPrintableFindsWhatIsNot(t *testing.T) {
	for _, c := range []struct{ kind, body string }{
		{"text/html", "a\x1b[2J"}, {"text/plain", "\xff"}, {"application/json", "\u202e"}, {"image/svg+xml", "\u009b"}, {"text/csv", "a,b\n1,=1+1\n"},
	} {
		if printable(c.kind, c.body) == nil {
			t.Errorf("%s: %q is printable", c.kind, c.body)
		}
	}
	if err := printable("text/csv; charset=utf-8", "a,b\n-1,\"x, '=1\"\n"); err != nil {
		t.Error(err)
	}
}

// TestRubbishByEveryWayIn sends what breaks parsers, terminals and spreadsheets
// by each way in, and looks at all that is shown and logged.
func TestRubbishByEveryWayIn(t *testing.T) {
	var logged locked
	all := sites("blog")
	all[0].Hosts = []string{"blog.example"}
	s := withAccounts(t, startSites(t, all, func(c *server.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c.Receiver.Logger = c.Logger
		c.Exports = &exports.Importer{Store: c.Store, Intake: c.Importer.Intake, Dir: t.TempDir()}
	}))
	addUser(t, s, "owner", account.Everywhere, account.Owner)
	session := sessionOf(t, s, "owner")
	for i, text := range rubbish() {
		everyWayIn(t, s, i, text)
	}
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	h, kept := s.Handler(), 0
	look := func(path string) {
		w := request{path: path, addr: elsewhere, header: http.Header{"Cookie": {session}}}.do(h)
		kind := w.Header().Get("Content-Type")
		if err := harmless(kind, w.Body.String()); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if err := printable(kind, w.Body.String()); err != nil {
			t.Errorf("%s, %s: %v", path, kind, err)
		}
		if strings.Contains(w.Body.String(), "alert(1)") {
			kept++
		}
	}
	for _, route := range s.Routes() {
		method, path := concrete(route.Pattern)
		if method == http.MethodGet && !strings.HasSuffix(path, "/events") && !strings.HasPrefix(path, "/live/") {
			look(path)
		}
	}
	for _, file := range []string{"hot.html", "hot.svg", "hot.rss", "hot.md", "hot.csv", "hot.json", "pageviews.svg", "pageviews.json", "pageviews.csv", "list.html", "list.svg"} {
		look("/s/blog/" + file)
	}
	for _, by := range []string{"page", "referrer", "referrer_page", "campaign", "medium", "browser", "system", "country", "language", "entry", "source"} {
		for _, format := range []string{"json", "csv"} {
			look("/api/v1/sites/blog/stats?bots=only&metrics=pageviews&limit=1000&format=" + format + "&by=" + by)
			look("/api/v1/sites/blog/stats?metrics=pageviews&limit=1000&format=" + format + "&by=" + by)
		}
	}
	if kept < 10 {
		t.Errorf("only %d answers had any of it", kept)
	}
	logged.mu.Lock()
	defer logged.mu.Unlock()
	for line := range strings.Lines(logged.String()) {
		if err := printable("text/plain", line); err != nil || !strings.HasPrefix(line, "time="+time.Now().UTC().Format("20")) {
			t.Errorf("logged: %.300q, %v", line, err)
		}
	}
}
