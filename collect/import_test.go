package collect_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/collect/collecttest"
	"github.com/beforehand-go/beforehand/pageview"
)

const site = collecttest.Site

// duckImporter imports into the engine that the program has.
func duckImporter(t testing.TB) *collect.Importer {
	t.Helper()
	im := plainImporter(t)
	im.Store = collecttest.Store(t, "UTC")
	return im
}

func importLog(im *collect.Importer, r io.Reader) (collect.Summary, error) {
	return im.Import(context.Background(), collect.Log{Name: "access.log", Site: &collect.Site{Name: site, Zone: time.UTC}, Data: r}, nil)
}

// counted is what the store counts by page.
func counted(t *testing.T, im *collect.Importer) map[string]int64 {
	t.Helper()
	pages := map[string]int64{}
	if _, ok := im.Store.(*plainStore); ok {
		for _, v := range kept(im) {
			if v.Bot == "" {
				pages[v.Path]++
			}
		}
		return pages
	}
	a, err := im.Store.Query(t.Context(), pageview.Query{Site: site, By: []pageview.Dimension{pageview.ByPage}})
	if err != nil {
		t.Fatal(err)
	}
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
	im := plainImporter(t)
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
	want := map[string]int64{"method": 1, "status": 1, "static_file": 1, "bot": 1, "feed_reader": 1, "broken": 2}
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
	im := plainImporter(t)
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
	im := plainImporter(t)
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
	im := duckImporter(t)
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
	im := duckImporter(t)
	text := lines(0, 10_000)
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
	if n := sum(counted(t, im)); n != 10_000 {
		t.Errorf("%d pageviews, want 10000", n)
	}
}

func TestImportRefusesWhatIsNoLog(t *testing.T) {
	long := strings.Repeat("x", 200_000)
	cut, _ := io.ReadAll(packed(lines(0, 5000)))
	for name, c := range map[string]struct {
		data, want string
	}{
		"empty":           {"", "the file is empty"},
		"binary":          {"\x7fELF\x00\x01\x02\n\x00\n", "not an access log in a format that is known"},
		"one line of x":   {long, "not an access log in a format that is known"},
		"xz":              {"\xfd7zXZ\x00", "packed with xz"},
		"gzip of nothing": {"\x1f\x8b", "read gzip"},
		"gzip cut off":    {string(cut[:len(cut)/2]), "unexpected EOF"},
	} {
		im := plainImporter(t)
		_, err := importLog(im, strings.NewReader(c.data))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

func TestALineThatIsTooLongStopsNothing(t *testing.T) {
	im := plainImporter(t)
	text := lines(0, 10) + strings.Repeat("y", 300_000) + "\n" + lines(10, 10)
	s, err := importLog(im, strings.NewReader(text))
	if err != nil || s.Pageviews != 20 || s.LeftOut[collect.LeftBroken] != 1 || s.Lines != 21 {
		t.Errorf("%+v, error %v", s, err)
	}
}

func TestLocalDays(t *testing.T) {
	im := plainImporter(t)
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	line := `h - - [31/Jan/2026:16:30:00 +0000] "GET / HTTP/1.1" 200 1 "-" "` + firefox + `"` + "\n"
	_, err = im.Import(t.Context(), collect.Log{Name: "x", Site: &collect.Site{Name: site, Zone: zone}, Data: strings.NewReader(line)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if v := kept(im); len(v) != 1 || v[0].Day.String() != "2026-02-01" {
		t.Errorf("%+v", v)
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
	im := duckImporter(t)
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

// wantKnown tells that an import counted nothing anew.
func wantKnown(t *testing.T, name string, s collect.Summary, err error) {
	t.Helper()
	if err != nil || s.Pageviews != 0 || s.LeftOut[collect.LeftAlreadyCounted] != s.Lines {
		t.Errorf("%s: %+v, error %v", name, s, err)
	}
}

func TestAnotherFileWithTheSameBeginningIsRead(t *testing.T) {
	head := lines(0, 2000) // beyond the lines that each have a print
	for name, c := range map[string]struct {
		first, second string
		again         int64 // lines before the files part that may count twice
	}{
		"parting where the prints of each line end": {lines(0, 300) + lines(5000, 500), lines(0, 300) + lines(9000, 500), 0},
		"a shorter second one":                      {lines(0, 300) + lines(5000, 500), lines(0, 300) + lines(9000, 300), 0},
		"a longer second one":                       {lines(0, 300) + lines(5000, 10), lines(0, 300) + lines(9000, 3000), 0},
		"parting far inside":                        {head + lines(5000, 500), head + lines(9000, 700), 40},
		"one line of difference":                    {lines(0, 10) + lines(5000, 1), lines(0, 10) + lines(5001, 1), 0},
	} {
		t.Run(name, func(t *testing.T) {
			im := plainImporter(t)
			distinct := map[string]bool{}
			for l := range strings.Lines(c.first + c.second) {
				distinct[l] = true
			}
			for _, text := range []string{c.first, c.second} {
				if _, err := importLog(im, strings.NewReader(text)); err != nil {
					t.Fatal(err)
				}
			}
			n := sum(counted(t, im)) - int64(len(distinct))
			if n < 0 || n > c.again {
				t.Errorf("%d pageviews more than there are different lines", n)
			}
			for _, text := range []string{c.first, c.second, c.second[:len(c.second)-100], c.first} {
				s, err := importLog(im, strings.NewReader(text))
				wantKnown(t, "again", s, err)
			}
			grown := c.second + lines(20_000, 50)
			if s, err := importLog(im, strings.NewReader(grown)); err != nil || s.Pageviews != 50 {
				t.Errorf("grown: %+v, error %v", s, err)
			}
		})
	}
}

// TestRotatedFilesInAnyOrder rotates a log day by day, and each day imports
// all there is in another order, packed in every way.
func TestRotatedFilesInAnyOrder(t *testing.T) {
	im := plainImporter(t)
	var files []string // the newest last
	total := 0
	for day := range 4 {
		files = append(files, "")
		for part := range 3 {
			files[day] += lines(total, 350)
			total += 350
			for i := range files {
				text := files[(i*2+part+day)%len(files)]
				var r io.Reader = strings.NewReader(text)
				if i%2 == 1 {
					r = packed(text)
				}
				if _, err := importLog(im, r); err != nil {
					t.Fatal(err)
				}
			}
			if n := sum(counted(t, im)); part > 0 && n > int64(total) {
				t.Fatalf("day %d: %d pageviews, want %d", day, n, total)
			}
		}
	}
	for _, text := range files {
		if _, err := importLog(im, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	if n := sum(counted(t, im)); n != int64(total) {
		t.Errorf("%d pageviews, want %d", n, total)
	}
}

func TestOnlyTheRestOfALog(t *testing.T) {
	im := plainImporter(t)
	text := lines(0, 2000)
	rest := collect.Log{Name: "x", Site: &collect.Site{Name: site, Zone: time.UTC}, Rest: true}
	rest.Data = strings.NewReader(text)
	if _, err := im.Import(t.Context(), rest, nil); !errors.Is(err, collect.ErrUnknown) {
		t.Errorf("error %v", err)
	}
	if _, err := importLog(im, strings.NewReader(text[:len(text)/2])); err != nil {
		t.Fatal(err)
	}
	rest.Data = strings.NewReader(text)
	if _, err := im.Import(t.Context(), rest, nil); err != nil || sum(counted(t, im)) != 2000 {
		t.Errorf("%d pageviews, error %v", sum(counted(t, im)), err)
	}
}

// TestALogThatIsStillWritten gives the importer a log bit by bit. What has come
// is committed while the log goes on.
func TestALogThatIsStillWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC))) // after the lines
		im := plainImporter(t)
		r, w := io.Pipe()
		done := make(chan error)
		go func() {
			_, err := importLog(im, r)
			done <- err
		}()
		text := lines(0, 100)
		for i := 0; i < len(text); i += 1000 {
			io.WriteString(w, text[i:min(i+1000, len(text))])
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if n := sum(counted(t, im)); n != 100 {
			t.Errorf("%d pageviews are kept while the log goes on", n)
		}
		io.WriteString(w, lines(100, 5))
		w.Close()
		if err := <-done; err != nil || sum(counted(t, im)) != 105 {
			t.Errorf("%d pageviews, error %v", sum(counted(t, im)), err)
		}
	})
}

func TestW3CGoesOnWithItsFields(t *testing.T) {
	im := plainImporter(t)
	var b strings.Builder
	b.WriteString("#Version: 1.0\n#Fields: date time c-ip cs-method cs-uri-stem sc-status cs(User-Agent)\n")
	format := "2024-10-04 00:%02d:%02d 203.0.113.9 GET /p%d 200 Mozilla/5.0+(X11;+Linux+x86_64)+Firefox/131.0\n"
	for i := range 3000 {
		if i == 1000 {
			b.WriteString("#Fields: date time cs-method cs-uri-stem sc-status c-ip cs(User-Agent)\n")
			format = "2024-10-04 00:%02d:%02d GET /p%d 200 203.0.113.9 Mozilla/5.0+(X11;+Linux+x86_64)+Firefox/131.0\n"
		}
		fmt.Fprintf(&b, format, i/60%60, i%60, i%9)
	}
	text := b.String()
	for _, n := range []int{len(text) / 10, len(text) / 2, len(text)} {
		s, err := importLog(im, strings.NewReader(text[:n]))
		if err != nil || s.Format != "w3c" || s.LeftOut[collect.LeftBroken] != 0 {
			t.Errorf("%+v, error %v", s, err)
		}
	}
	if n := sum(counted(t, im)); n != 3000 {
		t.Errorf("%d pageviews", n)
	}
}
