package exports_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/collect/collecttest"
	"github.com/beforehand-go/beforehand/exports"
	"github.com/beforehand-go/beforehand/pageview"
)

const site = collecttest.Site

// recording keeps what is appended.
type recording struct {
	pageview.Store
	kept []pageview.Pageview
}

func (r *recording) Append(ctx context.Context, b pageview.Batch) error {
	if err := r.Store.Append(ctx, b); err != nil {
		return err
	}
	r.kept = append(r.kept, b.Pageviews...)
	return nil
}

func newImporter(t *testing.T) (*exports.Importer, *recording) {
	t.Helper()
	r := &recording{Store: collecttest.Store(t, "Europe/Paris")}
	return &exports.Importer{Store: r, Dir: t.TempDir(), Intake: collecttest.Intake(t)}, r
}

func file(t *testing.T, name, data string) exports.File {
	t.Helper()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	return exports.File{Name: name, Site: &collect.Site{Name: site, Zone: paris}, Data: strings.NewReader(data)}
}

// read imports a file, and again, which must add nothing.
func read(t *testing.T, im *exports.Importer, name, data string) collect.Summary {
	t.Helper()
	s, err := im.Import(t.Context(), file(t, name, data), nil)
	if err != nil {
		t.Fatal(err)
	}
	if sum(s.LeftOut)+s.Pageviews != s.Lines {
		t.Errorf("%+v", s)
	}
	again, err := im.Import(t.Context(), file(t, "renamed", data), nil)
	if err != nil || again.Pageviews != 0 || again.LeftOut[collect.LeftAlreadyCounted] != s.Lines || again.Lines != s.Lines {
		t.Errorf("again: %+v, error %v", again, err)
	}
	if left, _ := os.ReadDir(im.Dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	return s
}

func sum(m map[string]int64) (n int64) {
	for _, v := range m {
		n += v
	}
	return n
}

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"

const goat2 = `2Path,Title,Event,UserAgent,Browser,System,Session,Bot,Referrer,Referrer scheme,Screen size,Location,FirstVisit,Date
/a.html,"A, the page",0,,Firefox 131,Linux Ubuntu,287fb97cbed4e4f-8e4f5c975b8fee06,0,,,"1280,768,1",AR,1,2024-06-01T22:30:00Z
/b?x=1,B,false,,Chrome 86.0,Windows 10,287fb97cbed4e4f-8e4f5c975b8fee06,0,www.reddit.com/r/go,h,"1280,768,1",US-TX,0,2024-06-01T22:31:00Z
/b,B,0,,Safari 14.0,macOS 10.15,c8b722d57674550-bcd20ab1989d7739,0,spring,c,,RO,1,2024-06-01T22:32:00Z
/b,B,0,,Safari 14.0,macOS 10.15,0,0,Email,g,,,1,2024-06-01T22:33:00Z
click-banana,Banana,1,,Safari 14.0,macOS 10.15,c8b722d57674550-bcd20ab1989d7739,0,,,,RO,0,2024-06-01T22:34:00Z
/b,B,true,,,,1-2,0,,,,RO,0,2024-06-01T22:34:00Z
/b,B,0,,,,1-2,3,,,,RO,0,2024-06-01T22:34:00Z
/b,B,0,,,,1-2,3,,,,RO,0,yesterday
/b,"B
`

func TestGoatCounter(t *testing.T) {
	im, store := newImporter(t)
	s := read(t, im, "export.csv", goat2)
	want := map[string]int64{"event": 2, "bot": 1, "broken": 2}
	if s.Lines != 9 || s.Pageviews != 4 || !reflect.DeepEqual(s.LeftOut, want) {
		t.Errorf("%+v", s)
	}
	if len(s.BrokenLines) != 2 || s.BrokenLines[0].Line != 9 || !strings.Contains(s.BrokenLines[0].Why, "column Date") || s.BrokenLines[1].Line != 10 {
		t.Errorf("%+v", s.BrokenLines)
	}
	v := store.kept
	if v[0].Path != "/a.html" || v[0].Title != "A, the page" || v[0].Browser != "Firefox" || v[0].System != "Linux Ubuntu" || v[0].Country != "AR" ||
		v[0].Day.String() != "2024-06-02" || v[0].Source != pageview.SourceExport {
		t.Errorf("%+v", v[0])
	}
	if v[1].Visitor != v[0].Visitor || v[1].Referrer != "reddit.com" || v[1].ReferrerPage != "reddit.com/r/go" || v[1].Country != "US" || v[1].System != "Windows" {
		t.Errorf("%+v", v[1])
	}
	if v[2].Visitor == v[0].Visitor || v[2].Campaign.Source != "spring" || v[3].Visitor != 0 || v[3].Referrer != "" {
		t.Errorf("%+v %+v", v[2], v[3])
	}
}

func TestGoatCounterInGzipAndOfVersion1(t *testing.T) {
	im, store := newImporter(t)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	fmt.Fprintf(z, "1Path,Title,Event,Bot,Session,FirstVisit,Referrer,Referrer scheme,Browser,Screen size,Location,Date\n")
	fmt.Fprintf(z, "/a,A,false,0,77,true,,,%q,,FR,2020-01-02T03:04:05Z\n", firefox)
	z.Close()
	s := read(t, im, "export.csv.gz", packed.String())
	if s.Pageviews != 1 || store.kept[0].Browser != "Firefox" || store.kept[0].Device != "desktop" {
		t.Errorf("%+v %+v", s, store.kept)
	}
}

// zipOf packs files.
func zipOf(t testing.TB, files ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		w, err := z.Create(files[i])
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, files[i+1])
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const plausibleVisitors = `"date","visitors","pageviews","bounces","visits","visit_duration"
"2024-01-01",5,14,1,5,100
"2024-01-02",2,2,2,2,0
`

const plausiblePages = `"date","hostname","page","visits","visitors","pageviews","total_scroll_depth","total_scroll_depth_visits"
"2024-01-01","example.org","/",4,4,7,0,0
"2024-01-01","example.org","/a",3,3,3,0,0
"2024-01-01","example.org","/b",2,2,4,0,0
"2024-01-02","example.org","/a",2,2,2,0,0
`

func TestPlausibleGivesTheSumsOfEachPageAndDay(t *testing.T) {
	im, store := newImporter(t)
	s := read(t, im, "example_org_20240131.zip", zipOf(t,
		"imported_sources_20240101_20240131.csv", "not,read\n",
		"../../etc/imported_pages_20240101_20240131.csv", plausiblePages,
		`c:\x\imported_visitors_20240101_20240131.csv`, plausibleVisitors))
	if s.Pageviews != 16 || len(s.LeftOut) != 0 {
		t.Errorf("%+v", s)
	}
	want := []collect.Total{{What: "pageviews", File: 16, Kept: 16}, {What: "daily visitors", File: 7, Kept: 7}}
	if !reflect.DeepEqual(s.Totals, want) {
		t.Errorf("totals %+v", s.Totals)
	}
	visitors, views := map[string]map[uint64]bool{}, map[string]int{}
	for _, v := range store.kept {
		for _, key := range []string{v.Day.String(), v.Day.String() + v.Path} {
			if visitors[key] == nil {
				visitors[key] = map[uint64]bool{}
			}
			visitors[key][v.Visitor] = true
			views[key]++
		}
	}
	got := map[string]string{}
	for key := range views {
		got[key] = fmt.Sprint(views[key], len(visitors[key]))
	}
	if want := map[string]string{
		"2024-01-01": "14 5", "2024-01-01/": "7 4", "2024-01-01/a": "3 3", "2024-01-01/b": "4 2", "2024-01-02": "2 2", "2024-01-02/a": "2 2",
	}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}

const umamiEvents = `"website_id","session_id","visit_id","event_id","hostname","browser","os","device","screen","language","country","url_path","url_query","utm_source","referrer_path","referrer_domain","page_title","event_type","event_name","created_at"
"w","s1","v1","e1","example.org","firefox","Linux","laptop","1x1","fr-FR","FR","/a","utm_source=x","x","/item","news.example","A",1,"","2024-05-01 12:34:56"
"w","s1","v1","e2","example.org","firefox","Linux","laptop","1x1","fr-FR","FR","/a","","","","","A",2,"click","2024-05-01 12:35:56"
"w","s2","v2","e3","example.org","ios","iOS","mobile","1x1","de","DE","/b","","","","","B",1,"","2024-05-01 12:36:56"
"w","s2","v2","e3","example.org","ios"
`

func TestUmami(t *testing.T) {
	for name, data := range map[string]string{
		"website_event.csv": umamiEvents,
		"export.zip":        zipOf(t, "x/website_event.csv", umamiEvents, "session_data.csv", ""),
	} {
		im, store := newImporter(t)
		s := read(t, im, name, data)
		if want := map[string]int64{"event": 1, "broken": 1}; s.Pageviews != 2 || !reflect.DeepEqual(s.LeftOut, want) || s.BrokenLines[0].Why != "6 fields, the header has 20" {
			t.Fatalf("%s: %+v", name, s)
		}
		v := store.kept[0]
		if v.Path != "/a" || v.Device != "desktop" || v.Language != "fr-FR" || v.Country != "FR" || v.ReferrerPage != "news.example/item" ||
			v.Campaign.Source != "x" || v.Title != "A" || !v.At.Equal(time.Date(2024, 5, 1, 12, 34, 56, 0, time.UTC)) || v.Visitor == store.kept[1].Visitor {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

const matomoVisits = `[
{"idVisit":3,"visitIp":"175.41.192.0","visitorId":"abc","actions":"3","referrerUrl":"https://news.example/x","languageCode":"fr","countryCode":"jp",
 "browserName":"Firefox","operatingSystemName":"GNU/Linux","deviceType":"Smartphone","userId":null,"customVariables":[],
 "actionDetails":[
  {"type":"action","url":"https://example.org/blog/","pageTitle":"Blog","timestamp":1714566896},
  {"type":"goal","url":"https://example.org/blog/","timestamp":1714566896},
  {"type":"action","url":"https://example.org/about","pageTitle":null,"timestamp":"1714566996"},
  {"type":"outlink","url":"https://other.example/","timestamp":1714566999}]},
{"idVisit":"4","visitorId":"def","actions":1,"actionDetails":[{"type":"action","url":"https://example.org/","timestamp":"x"}]}
]`

func TestMatomo(t *testing.T) {
	csv := "idVisit,visitorId,actions,referrerUrl,countryCode,browserName,operatingSystemName,deviceType,languageCode,visitIp" +
		",actionDetails_0_type,actionDetails_0_url,actionDetails_0_timestamp,actionDetails_0_pageTitle" +
		",actionDetails_1_type,actionDetails_1_url,actionDetails_1_timestamp,actionDetails_2_type,actionDetails_2_url,actionDetails_2_timestamp" +
		",actionDetails_3_type,actionDetails_3_url,actionDetails_3_timestamp\n" +
		"3,abc,3,https://news.example/x,jp,Firefox,GNU/Linux,Smartphone,fr,175.41.192.0,action,https://example.org/blog/,1714566896,Blog,goal,,1714566896" +
		",action,https://example.org/about,1714566996,outlink,https://other.example/,1714566999\n" +
		"4,def,1,,,,,,,,action,https://example.org/,x,,,,,,,,,,\n"
	for name, data := range map[string]string{"visits.json": matomoVisits, "visits.csv": csv, "visits in UTF-16": utf16le(csv)} {
		im, store := newImporter(t)
		s := read(t, im, name, data)
		if want := map[string]int64{"event": 2, "broken": 1}; s.Pageviews != 2 || !reflect.DeepEqual(s.LeftOut, want) {
			t.Fatalf("%s: %+v", name, s)
		}
		if want := []collect.Total{{What: "actions", File: 4, Kept: 4}}; !reflect.DeepEqual(s.Totals, want) {
			t.Errorf("%s: totals %+v", name, s.Totals)
		}
		v, w := store.kept[0], store.kept[1]
		if v.Path != "/blog/" || v.Title != "Blog" || v.Country != "JP" || v.Device != "mobile" || v.Referrer != "news.example" ||
			w.Path != "/about" || w.Referrer != "" || w.Visitor != v.Visitor || v.Visitor == 0 {
			t.Errorf("%s: %+v\n%+v", name, v, w)
		}
	}
}

func utf16le(s string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

func TestWhatIsNoExportIsToldApart(t *testing.T) {
	im, _ := newImporter(t)
	for _, c := range []struct{ name, program, data, want string }{
		{"x", "", "", "the file is empty"},
		{"x", "", "hello\n", "no export that is known"},
		{"x", "wordpress", "hello\n", "allowed are goatcounter, plausible, umami, matomo"},
		{"x", "goatcounter", "Path,Title\n", "begins with the column \"Path\""},
		{"x", "", "2Path,Title,Event\n", `no column "Session": it has 2Path, Title, Event`},
		{"x", "", plausiblePages, "import the whole zip"},
		{"x", "", zipOf(t, "imported_pages.csv", plausiblePages), "no imported_visitors.csv"},
		{"x", "", zipOf(t, "pages.csv", "x", "events.csv", "x"), "sums without days; the table website_event has all of it, or name the day"},
		{"x", "", zipOf(t, "pages.csv", "x", "visitors.csv", "x"), "sums without days; the zip of the site's settings"},
		{"x", "umami", zipOf(t, "a/hit_stats.jsonl", ""), "none of the files"},
		{"x", "", zipOf(t, "a/hit_stats.jsonl", ""), "it has no "},
		{"x", "", zipOf(t, "a/hit_stats.jsonl", "", "a/info.json", `{"export_version":"2.0"}`), `version "2.0"`},
		{"x", "", zipOf(t, "a/pages_2.csv", "x", "b/pages_2.csv", "x"), "two files pages"},
		{"x", "", zipOf(t, "a.txt", "x"), "none of the files"},
		{"x", "", "PK\x03\x04rubbish", "zip: not a valid zip file"},
		{"x", "", "\x1f\x8brubbish", "gzip"},
		{"x", "", `[{"idVisit":1,"actionDetails":`, "visit 1, byte"},
		{"x", "", `[{"idVisit":1}`, "no end"},
		{"x", "", "2Path,Event,Session,Date\n/a,0,1,2024-01-01T00:00:00Z\n\"" + strings.Repeat("x\n", 1<<20), "a row is longer than"},
		{"x", "", `[{"idVisit":"` + strings.Repeat("x", 17<<20), "a visit is longer than"},
	} {
		f := file(t, c.name, c.data)
		f.Program = c.program
		if _, err := im.Import(t.Context(), f, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want %s, got %v", c.want, err)
		}
	}
}

// goatSums is GoatCounter's export of sums.
func goatSums(t testing.TB, changed ...string) string {
	t.Helper()
	files := map[string]string{
		"info.json": `{
  "export_version": "1.0",
  "goatcounter_version": "2.7",
  "created_for": "stats.example.org",
  "created_by": "user_id=1 <a@example.org>",
  "created_at": "2026-03-07T16:49:27Z"
}
`,
		"paths.jsonl": `{"id":211,"path":"/","title":"Home page"}
{"id":215,"path":"/api","title":"API Documentation"}
{"id":1442298,"path":"click-banana","title":"Yellow curvy fruit","event":true}
`,
		"refs.jsonl": `{"id":1,"ref":"","ref_scheme":"o"}
{"id":69853,"ref":"Google","ref_scheme":"g"}
{"id":2176502,"ref":"news.example/page.html","ref_scheme":"h"}
{"id":5,"ref":"spring","ref_scheme":"c"}
`,
		"browsers.jsonl": `{"id":1,"name":"Chrome","version":"46"}
{"id":37,"name":"Firefox","version":"83"}
`,
		"systems.jsonl": `{"id":2,"name":"Android","version":"7.1"}
{"id":3,"name":"Linux","version":"Ubuntu"}
`,
		"locations.jsonl": `{"id":1,"country":"","region":"","country_name":"(unknown)","region_name":""}
`,
		"languages.jsonl": `{"iso_639_3":"eng","name":"English"}
`,
		"hit_stats.jsonl": `{"hour":"2026-03-05T19:00:00Z","path_id":211,"ref_id":1,"count":2}
{"hour":"2026-03-05T22:00:00Z","path_id":211,"ref_id":2176502,"count":1}
{"hour":"2026-03-05T23:00:00Z","path_id":215,"ref_id":5,"count":1}
{"hour":"2026-03-05T23:00:00Z","path_id":1442298,"ref_id":1,"count":3}
{"hour":"2026-03-07T15:00:00Z","path_id":211,"ref_id":69853,"count":1}
{"hour":"2026-03-07T15:00:00Z","path_id":99,"ref_id":1,"count":1}
{"hour":"yesterday","path_id":211,"ref_id":1,"count":1}
`,
		"browser_stats.jsonl": `{"day":"2026-03-05","path_id":211,"browser_id":1,"count":1}
{"day":"2026-03-05","path_id":211,"browser_id":37,"count":2}
{"day":"2026-03-05","path_id":215,"browser_id":37,"count":1}
{"day":"2026-03-06","path_id":211,"browser_id":37,"count":9}
{"day":"2026-03-07","path_id":211,"browser_id":37,"count":1}
`,
		"system_stats.jsonl": `{"day":"2026-03-05","path_id":211,"system_id":3,"count":3}
{"day":"2026-03-07","path_id":211,"system_id":2,"count":1}
`,
		"location_stats.jsonl": `{"day":"2026-03-05","path_id":211,"location":"US-TX","count":2}
{"day":"2026-03-05","path_id":211,"location":"","count":1}
{"day":"2026-03-05","path_id":215,"location":"DE","count":1}
`,
		"size_stats.jsonl": `{"day":"2026-03-05","path_id":211,"width":1920,"count":2}
{"day":"2026-03-05","path_id":211,"width":360,"count":1}
`,
		"language_stats.jsonl": `{"day":"2026-03-05","path_id":211,"language":"eng","count":3}
`,
	}
	for i := 0; i < len(changed); i += 2 {
		files[changed[i]] = changed[i+1]
	}
	var all []string
	for name, text := range files {
		all = append(all, "goatcounter-export-x-20260307T164927Z/"+name, text)
	}
	return zipOf(t, all...)
}

func TestGoatCountersSumsArePageviews(t *testing.T) {
	im, store := newImporter(t)
	s := read(t, im, "goatcounter-export.zip", goatSums(t))
	if want := map[string]int64{"event": 3, "broken": 2}; s.Lines != 10 || s.Pageviews != 5 || !reflect.DeepEqual(s.LeftOut, want) {
		t.Errorf("%+v", s)
	}
	if want := []collect.Total{{What: "pageviews", File: 5, Kept: 5}}; !reflect.DeepEqual(s.Totals, want) {
		t.Errorf("totals %+v", s.Totals)
	}
	if len(s.BrokenLines) != 2 || s.BrokenLines[0].File != "hit_stats.jsonl" || s.BrokenLines[0].Line != 6 || s.BrokenLines[1].Line != 7 {
		t.Errorf("%+v", s.BrokenLines)
	}
	sums := map[string]int{}
	for _, v := range store.kept {
		for _, of := range []string{"referrer " + v.ReferrerPage, "browser " + v.Browser, "system " + v.System, "country " + v.Country, "language " + v.Language, "device " + v.Device} {
			sums[v.Day.String()+" "+v.Path+" "+of]++
		}
		if v.Visitor != 0 || v.Title == "" {
			t.Errorf("%+v", v)
		}
	}
	for what, want := range map[string]int{
		"2026-03-05 / referrer ": 2, "2026-03-05 / referrer news.example/page.html": 1, "2026-03-05 / browser Chrome": 1, "2026-03-05 / browser Firefox": 2,
		"2026-03-05 / system Linux": 3, "2026-03-05 / country US": 2, "2026-03-05 / country ": 1, "2026-03-05 / language en": 3,
		"2026-03-05 / device desktop": 2, "2026-03-05 / device mobile": 1, "2026-03-06 /api country DE": 1, "2026-03-06 /api system ": 1,
		"2026-03-07 / browser Firefox": 1, "2026-03-07 / system Android": 1, "2026-03-07 / referrer ": 1,
	} {
		if sums[what] != want {
			t.Errorf("%s: %d, want %d", what, sums[what], want)
		}
	}
	if v := store.kept[3]; v.Campaign.Source != "spring" || v.Referrer != "" {
		t.Errorf("%+v", v)
	}
}

func TestSumsWithoutDaysGoToTheDayThatIsNamed(t *testing.T) {
	for name, c := range map[string]struct{ data, program string }{
		"Umami":     {zipOf(t, "events.csv", "", "pages.csv", "x,y\r\n/a,3\r\n\"/b?utm_source=x\",2\r\n/c,many", "referrers.csv", "x,y\r\nnews.example,1"), "umami"},
		"Plausible": {zipOf(t, "visitors.csv", "date,visitors\n", "pages.csv", "name,visitors,pageviews,bounce_rate\n/a,1,3,\n/b?utm_source=x,2,2,\n/c,1,x,\n"), "plausible"},
	} {
		im, store := newImporter(t)
		f := file(t, name, c.data)
		f.Day, _ = exports.ParseDay("2026-01-31")
		s, err := im.Import(t.Context(), f, nil)
		if err != nil || s.Pageviews != 5 || s.LeftOut[collect.LeftBroken] != 1 {
			t.Fatalf("%s: %+v, error %v", name, s, err)
		}
		if want := []collect.Total{{What: "pageviews", File: 5, Kept: 5}}; !reflect.DeepEqual(s.Totals, want) {
			t.Errorf("%s: totals %+v", name, s.Totals)
		}
		v, w := store.kept[0], store.kept[4]
		if v.Path != "/a" || v.Day.String() != "2026-01-31" || v.Visitor != 0 || w.Path != "/b" || w.Campaign.Source != "x" {
			t.Errorf("%s: %+v %+v", name, v, w)
		}
	}
	if _, err := exports.ParseDay("31.1.2026"); err == nil {
		t.Error("a day of another form was taken")
	}
}

// cutting is a store whose commits fail, some before and some after they were
// made.
type cutting struct {
	pageview.Store
	n int
}

var errCut = errors.New("cut off")

func (c *cutting) Append(ctx context.Context, b pageview.Batch) error {
	c.n++
	switch c.n % 3 {
	case 0:
		return errCut
	case 1:
		return errors.Join(c.Store.Append(ctx, b), errCut)
	}
	return c.Store.Append(ctx, b)
}

func TestAnImportThatIsCutOffDoublesNothingAndLosesNothing(t *testing.T) {
	im, store := newImporter(t)
	im.Store = &cutting{Store: store}
	var days, pages strings.Builder
	days.WriteString("date,visitors,pageviews\n")
	pages.WriteString("date,page,visitors,pageviews\n")
	for day := range 25 {
		fmt.Fprintf(&days, "2024-03-%02d,1000,1100\n", day+1)
		fmt.Fprintf(&pages, "2024-03-%02d,/a,700,800\n2024-03-%02d,/b,300,300\n", day+1, day+1)
	}
	data := zipOf(t, "imported_visitors.csv", days.String(), "imported_pages.csv", pages.String())
	for range 20 {
		s, err := im.Import(t.Context(), file(t, "x", data), nil)
		if err == nil {
			if want := []collect.Total{{What: "pageviews", File: 27_500, Kept: 27_500}, {What: "daily visitors", File: 25_000, Kept: 25_000}}; !reflect.DeepEqual(s.Totals, want) {
				t.Errorf("totals %+v", s.Totals)
			}
			break
		}
		if !errors.Is(err, errCut) {
			t.Fatal(err)
		}
	}
	if len(store.kept) != 27_500 {
		t.Errorf("%d kept", len(store.kept))
	}
}

// goatRows are pageviews of GoatCounter, a minute apart.
func goatRows(first, n int) string {
	var b strings.Builder
	b.WriteString("2Path,Title,Event,UserAgent,Browser,System,Session,Bot,Referrer,Referrer scheme,Screen size,Location,FirstVisit,Date\n")
	for i := first; i < first+n; i++ {
		at := time.Date(2024, 6, 1, 0, i, 0, 0, time.UTC).Format(time.RFC3339)
		fmt.Fprintf(&b, "/p%d,A,0,,Firefox 131,Linux,%d-2,0,,,,FR,1,%s\n", i, i, at)
	}
	return b.String()
}

func TestExportsThatOverlapCountOnce(t *testing.T) {
	im, store := newImporter(t)
	for _, c := range []struct {
		name        string
		first, n    int
		kept, total int
	}{
		{"the first", 100, 50, 50, 50},
		{"all of it and more", 80, 100, 50, 100},
		{"within", 110, 20, 0, 100},
		{"after it, with a gap", 300, 10, 10, 110},
		{"over the gap", 170, 140, 120, 230},
	} {
		s := read(t, im, c.name, goatRows(c.first, c.n))
		if int(s.Pageviews) != c.kept || int(s.LeftOut[collect.LeftAlreadyCounted]) != c.n-c.kept || len(store.kept) != c.total {
			t.Errorf("%s: %+v, %d in all, want %d and %d", c.name, s, len(store.kept), c.kept, c.total)
		}
	}
	paths := map[string]int{}
	for _, v := range store.kept {
		paths[v.Path]++
	}
	if len(paths) != 230 {
		t.Errorf("%d pages, want 230", len(paths))
	}
	// Another program, and other pageviews of the same time.
	if s := read(t, im, "umami", strings.ReplaceAll(umamiEvents, "2024-05-01", "2024-06-01")); s.Pageviews == 0 || s.LeftOut[collect.LeftAlreadyCounted] != 0 {
		t.Errorf("another program: %+v", s)
	}
	f := file(t, "other site", strings.ReplaceAll(goatRows(100, 5), "/p", "/q"))
	f.Beside = true
	if s, err := im.Import(t.Context(), f, nil); err != nil || s.Pageviews != 5 {
		t.Errorf("beside: %+v, error %v", s, err)
	}
}

func TestAnExportWaitsForOneThatWasCutOff(t *testing.T) {
	im, store := newImporter(t)
	whole := im.Store
	im.Store = &cutting{Store: store}
	data := goatRows(0, 25_000)
	for {
		if _, err := im.Import(t.Context(), file(t, "june.csv", data), nil); errors.Is(err, errCut) && len(store.kept) > 0 {
			break
		}
	}
	n := len(store.kept)
	im.Store = whole
	_, err := im.Import(t.Context(), file(t, "july.csv", goatRows(0, 30_000)), nil)
	if err == nil || !strings.Contains(err.Error(), `the import of "june.csv" was cut off: run it again first`) || len(store.kept) != n {
		t.Errorf("error %v, %d kept", err, len(store.kept)-n)
	}
	if _, err := im.Import(t.Context(), file(t, "june.csv", data), nil); err != nil {
		t.Fatal(err)
	}
	s, err := im.Import(t.Context(), file(t, "july.csv", goatRows(0, 30_000)), nil)
	if err != nil || s.Pageviews != 5_000 || len(store.kept) != 30_000 {
		t.Errorf("%+v, error %v, %d kept", s, err, len(store.kept))
	}
}

// FuzzImport feeds the importers whatever.
func FuzzImport(f *testing.F) {
	f.Add([]byte(goat2))
	f.Add([]byte(umamiEvents))
	f.Add([]byte(matomoVisits))
	f.Add([]byte(plausiblePages))
	f.Add([]byte(zipOf(f, "imported_pages.csv", plausiblePages, "imported_visitors.csv", plausibleVisitors)))
	f.Add([]byte(zipOf(f, "x/website_event.csv", umamiEvents)))
	f.Add([]byte(goatSums(f)))
	f.Add([]byte(utf16le("idVisit,actionDetails_0_type\n1,action\n")))
	intake := collecttest.Intake(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		im := &exports.Importer{Store: discarding{}, Dir: t.TempDir(), Intake: intake}
		s, err := im.Import(t.Context(), exports.File{Name: "x", Site: &collect.Site{Name: site, Zone: time.UTC}, Data: bytes.NewReader(data)}, nil)
		if err == nil && sum(s.LeftOut)+s.Pageviews != s.Lines {
			t.Errorf("%+v", s)
		}
	})
}

// discarding is a store that keeps nothing.
type discarding struct{ pageview.Store }

func (discarding) Append(context.Context, pageview.Batch) error         { return nil }
func (discarding) Mark(context.Context, string, string) (string, error) { return "", nil }
