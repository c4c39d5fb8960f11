package collect_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/duckdb"
	"github.com/beforehand-go/beforehand/pageview"
)

// salts keeps salts in memory.
type salts struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (s *salts) Salt(_ context.Context, site string, day pageview.Day, fresh []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := fmt.Sprint(site, day)
	if s.m[k] == nil {
		s.m[k] = fresh
	}
	return s.m[k], nil
}

const site = "default"

func importer(t *testing.T) *collect.Importer {
	t.Helper()
	store, err := duckdb.Open(t.Context(), duckdb.Config{Path: filepath.Join(t.TempDir(), "pageviews.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	if _, err := store.Site(t.Context(), pageview.Site{Name: site, Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	visitors, err := collect.NewVisitors(&salts{m: map[string][]byte{}}, collect.Key{1})
	if err != nil {
		t.Fatal(err)
	}
	return &collect.Importer{Store: store, Key: collect.Key{1}, Intake: &collect.Intake{Visitors: visitors, Agents: &collect.Agents{}}}
}

func importLog(im *collect.Importer, r io.Reader) (collect.Summary, error) {
	return im.Import(context.Background(), collect.Log{Name: "access.log", Site: &collect.Site{Name: site, Zone: time.UTC}, Data: r}, nil)
}

// counted is what the store counts by page.
func counted(t *testing.T, im *collect.Importer) map[string]int64 {
	t.Helper()
	a, err := im.Store.Query(t.Context(), pageview.Query{Site: site, By: []pageview.Dimension{pageview.ByPage}})
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]int64{}
	for _, r := range a.Rows {
		pages[r.Keys[0]] = r.Pageviews
	}
	return pages
}

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"

// lines makes n lines of a log, from the line first on.
func lines(first, n int) string {
	var b strings.Builder
	for i := first; i < first+n; i++ {
		at := time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC).Format("02/Jan/2006:15:04:05 -0700")
		fmt.Fprintf(&b, "203.0.113.%d - - [%s] \"GET /p%d HTTP/1.1\" 200 5 \"-\" \"%s\"\n", i%200, at, i%7, firefox)
	}
	return b.String()
}

func sum(m map[string]int64) (n int64) {
	for _, v := range m {
		n += v
	}
	return n
}

func TestImportCountsEachKindOfLine(t *testing.T) {
	im := importer(t)
	var log strings.Builder
	line := func(request string, status int, agent string) {
		fmt.Fprintf(&log, "203.0.113.9 - - [04/Oct/2024:00:00:18 +0000] %q %d 51 \"-\" %q\n", request, status, agent)
	}
	line("GET / HTTP/1.1", 200, firefox)
	line("GET /a HTTP/1.1", 304, firefox)
	line("POST /a HTTP/1.1", 200, firefox)
	line("GET /a HTTP/1.1", 404, firefox)
	line("GET /a.css HTTP/1.1", 200, firefox)
	line("GET / HTTP/1.1", 200, "curl/8.5.0")
	line("GET / HTTP/1.1", 200, "Tiny Tiny RSS/1.15.3 (http://tt-rss.org/)")
	log.WriteString("this is no line\n\n")
	s, err := importLog(im, strings.NewReader(log.String()))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{"not_a_page": 3, "bot": 1, "feed_reader": 1, "broken": 2}
	if s.Lines != 9 || s.Pageviews != 2 || fmt.Sprint(s.LeftOut) != fmt.Sprint(want) {
		t.Errorf("%+v", s)
	}
	if len(s.BrokenLines) != 2 || s.BrokenLines[0].Line != 8 || s.BrokenLines[1].Line != 9 {
		t.Errorf("broken lines %+v", s.BrokenLines)
	}
	at := time.Date(2024, 10, 4, 0, 0, 18, 0, time.UTC)
	if s.First == nil || !s.First.Equal(at) || !s.Last.Equal(at) {
		t.Errorf("first %v, last %v", s.First, s.Last)
	}
	if got := counted(t, im); fmt.Sprint(got) != "map[/:1 /a:1]" {
		t.Errorf("counted %v", got)
	}
}

func TestImportOfTheSameFileCountsOnce(t *testing.T) {
	im := importer(t)
	text := lines(0, 10_000)
	for i, r := range []io.Reader{
		strings.NewReader(text), strings.NewReader(text), packed(text),
		strings.NewReader(text[:strings.Index(text, "\n")+1]), // a copy that is cut off
	} {
		s, err := importLog(im, r)
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 && (s.Pageviews != 0 || s.LeftOut[collect.LeftAlreadyCounted] != s.Lines) {
			t.Errorf("import %d: %+v", i+1, s)
		}
		if n := sum(counted(t, im)); n != 10_000 {
			t.Fatalf("import %d: %d pageviews, want 10000", i+1, n)
		}
	}
}

func packed(text string) io.Reader {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(text))
	z.Close()
	return &b
}

func TestImportOfAFileThatGrewGoesOnWhereItWas(t *testing.T) {
	im := importer(t)
	text := lines(0, 3000)
	// The file is seen at lengths that end within a line, at a line's last
	// byte but without its break, and at its break.
	for _, length := range []int{300, 301, 5000, strings.Index(text[9000:], "\n") + 9000, 100_000, len(text)} {
		if _, err := importLog(im, strings.NewReader(text[:length])); err != nil {
			t.Fatalf("length %d: %v", length, err)
		}
	}
	if n := sum(counted(t, im)); n != 3000 {
		t.Errorf("%d pageviews, want 3000", n)
	}
	if s, err := importLog(im, strings.NewReader(text)); err != nil || s.Pageviews != 0 || s.Lines != 3000 {
		t.Errorf("once more: %+v, error %v", s, err)
	}
}

func TestImportCutOffByAnErrorGoesOn(t *testing.T) {
	im := importer(t)
	text := lines(0, 20_000)
	broken := errors.New("the cable was pulled")
	s, err := importLog(im, io.MultiReader(strings.NewReader(text[:len(text)/2]), &failing{broken}))
	if !errors.Is(err, broken) || s.Pageviews == 0 || s.Pageviews != sum(counted(t, im)) {
		t.Errorf("%+v, error %v, counted %d", s, err, sum(counted(t, im)))
	}
	again, err := importLog(im, strings.NewReader(text))
	if err != nil || s.Pageviews+again.Pageviews != 20_000 || sum(counted(t, im)) != 20_000 {
		t.Errorf("%d and %d pageviews, error %v", s.Pageviews, again.Pageviews, err)
	}
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

func TestTwoImportsOfOneFileAtOnceCountOnce(t *testing.T) {
	im := importer(t)
	text := lines(0, 30_000)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			_, err := importLog(im, strings.NewReader(text))
			if err != nil && !errors.Is(err, pageview.ErrLogMoved) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if _, err := importLog(im, strings.NewReader(text)); err != nil {
		t.Error(err)
	}
	if n := sum(counted(t, im)); n != 30_000 {
		t.Errorf("%d pageviews, want 30000", n)
	}
}

func TestImportRefusesWhatIsNoLog(t *testing.T) {
	long := strings.Repeat("x", 200_000)
	cut, _ := io.ReadAll(packed(lines(0, 5000)))
	for name, c := range map[string]struct {
		data, want string
	}{
		"empty":           {"", "the file is empty"},
		"binary":          {"\x7fELF\x00\x01\x02\n\x00\n", "not an access log in combined format"},
		"one line of x":   {long, "not an access log in combined format"},
		"zstd":            {"\x28\xb5\x2f\xfd....", "packed with zstd"},
		"gzip of nothing": {"\x1f\x8b", "read gzip"},
		"gzip cut off":    {string(cut[:len(cut)/2]), "unexpected EOF"},
	} {
		im := importer(t)
		_, err := importLog(im, strings.NewReader(c.data))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

func TestALineThatIsTooLongStopsNothing(t *testing.T) {
	im := importer(t)
	text := lines(0, 10) + strings.Repeat("y", 300_000) + "\n" + lines(10, 10)
	s, err := importLog(im, strings.NewReader(text))
	if err != nil || s.Pageviews != 20 || s.LeftOut[collect.LeftBroken] != 1 || s.Lines != 21 {
		t.Errorf("%+v, error %v", s, err)
	}
}

func TestLocalDays(t *testing.T) {
	im := importer(t)
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	line := `h - - [31/Jan/2026:16:30:00 +0000] "GET / HTTP/1.1" 200 1 "-" "` + firefox + `"` + "\n"
	_, err = im.Import(t.Context(), collect.Log{Name: "x", Site: &collect.Site{Name: site, Zone: zone}, Data: strings.NewReader(line)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := im.Store.Query(t.Context(), pageview.Query{Site: site, By: []pageview.Dimension{pageview.ByDay}})
	if err != nil || len(a.Rows) != 1 || a.Rows[0].Keys[0] != "2026-02-01" {
		t.Errorf("%+v, error %v", a, err)
	}
}

// TestRealLog compares the import of a real log with a plain recount that
// shares nothing with the parser.
func TestRealLog(t *testing.T) {
	const name = "../../shared/data/nginx-combined.log"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Skip("no real log beside the project; the made-up ones are tried all the same")
	}
	im := importer(t)
	s, err := importLog(im, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`^\S+ \S+ .*? ?\[(\d\d)/Oct/2024:.*?\] "GET (/[^ ?"]*)\S* HTTP/[^"]*" (?:200|304) \S+ "[^"]*" "([^"]*)"`)
	var agents collect.Agents
	pages := map[string]int64{}
	for l := range strings.Lines(string(text)) {
		m := line.FindStringSubmatch(l)
		if m == nil || regexp.MustCompile(`\.(ico|txt|png|css|js|json|xml|zip)$`).MatchString(m[2]) {
			continue
		}
		if agents.Classify(strings.TrimPrefix(m[3], "-")).Bot == "" {
			pages[m[2]]++
		}
	}
	if got := counted(t, im); fmt.Sprint(got) != fmt.Sprint(pages) {
		t.Errorf("counted\n%v\nwant\n%v", got, pages)
	}
	var left int64
	for _, n := range s.LeftOut {
		left += n
	}
	if s.Lines != 7607 || s.Pageviews != sum(pages) || s.Pageviews+left != s.Lines {
		t.Errorf("%+v, want %d pageviews", s, sum(pages))
	}
}
