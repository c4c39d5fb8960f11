package beforehand_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/snapshot"
	"github.com/beforehand-go/beforehand/trigger"
)

func TestCheckDiscardsOrHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		n.Store(100)
		site := open(t, memory.New())
		hot := beforehand.New(site, "hot", func(context.Context) (int64, error) { return n.Load(), nil }, beforehand.Policy{})
		hot.Check(func(previous, next int64) error {
			switch {
			case next == 0:
				return errors.New("empty")
			case next < previous/2:
				return beforehand.Hold(fmt.Sprintf("%d after %d", next, previous))
			}
			return nil
		})
		defer run(t, site)()
		settle(time.Second)

		n.Store(0)
		if err := hot.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), "check: empty") || hot.Value() != 100 {
			t.Errorf("empty result: %v, value %d", err, hot.Value())
		}
		n.Store(10)
		if err := hot.Refresh(t.Context()); err != nil {
			t.Error(err)
		}
		settle(time.Second)
		c := hot.Current()
		if c.Value != 100 || c.Held != 2 || c.HeldFor != "10 after 100" || c.Stale == "" {
			t.Errorf("held: %+v", c)
		}
		if err := hot.Restore(t.Context(), c.Held); err != nil {
			t.Fatal(err)
		}
		if c := hot.Current(); c.Value != 10 || c.Held != 0 || c.Stale != "" {
			t.Errorf("approved: %+v", c)
		}
		if err := hot.Restore(t.Context(), 1); err != nil || hot.Value() != 100 {
			t.Errorf("rolled back: %v, value %d", err, hot.Value())
		}
		list, err := hot.Versions(t.Context())
		if err != nil || len(list) != 4 {
			t.Errorf("%d versions, %v, want 4", len(list), err)
		}
		if err := hot.Restore(t.Context(), 99); !errors.Is(err, snapshot.ErrNone) {
			t.Errorf("restore of nothing: %v", err)
		}
	})
}

func TestResultFarSmallerThanTheLastIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		n.Store(100)
		site := open(t, memory.New())
		hot := beforehand.New(site, "hot", func(context.Context) ([]article, error) {
			return make([]article, n.Load()), nil
		}, beforehand.Policy{HoldBelow: 0.5})
		defer run(t, site)()
		settle(time.Second)
		for _, step := range []struct {
			next   int64
			served int
			held   string
		}{
			{60, 60, ""}, // more than half of a hundred
			{20, 60, "442 bytes of json after 1322"},
			{0, 60, "3 bytes of json after 1322"},
			{40, 40, ""},
		} {
			n.Store(step.next)
			if err := hot.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			settle(time.Minute)
			if c := hot.Current(); len(c.Value) != step.served || c.HeldFor != step.held {
				t.Errorf("%d articles: %d are served, held %q, want %d and %q", step.next, len(c.Value), c.HeldFor, step.served, step.held)
			}
		}
	})
}

// What is served is what was stored, also where it was computed.
func TestValueIsDecodedFromWhatIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := open(t, memory.New())
		hot := beforehand.New(site, "hot", func(context.Context) (time.Time, error) { return time.Now(), nil }, beforehand.Policy{})
		defer run(t, site)()
		settle(time.Second)
		if v := hot.Value(); v.IsZero() || v != v.Round(0) {
			t.Errorf("%v has a monotonic reading, which no JSON keeps", v)
		}
	})
}

func TestWhenSparesTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls, rows atomic.Int64
		site := open(t, memory.New())
		hot := beforehand.New(site, "hot", counter(&calls), beforehand.Policy{
			Trigger: trigger.Every(time.Hour),
			When:    func(context.Context) (string, error) { return fmt.Sprint(rows.Load()), nil },
		})
		defer run(t, site)()
		settle(5 * time.Hour)
		if calls.Load() != 1 || hot.Current().Stale != "" {
			t.Errorf("%d runs with nothing new, want 1; stale %q", calls.Load(), hot.Current().Stale)
		}
		rows.Add(1)
		settle(time.Hour)
		if calls.Load() != 2 {
			t.Errorf("%d runs after a change, want 2", calls.Load())
		}
		if err := hot.Refresh(t.Context()); err != nil || calls.Load() != 3 {
			t.Errorf("%d runs, %v: who asks gets a run", calls.Load(), err)
		}
	})
}

func TestRenderAddsFormats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		state := memory.New()
		site := open(t, state)
		hot := beforehand.New(site, "hot", counter(&calls), beforehand.Policy{})
		hot.Render("json", func(w io.Writer, v []article) error {
			_, err := fmt.Fprintf(w, `{"articles":%d}`, len(v))
			return err
		})
		stop := run(t, site)
		settle(time.Second)
		if w := get(hot, "/hot"); w.Body.String() != `{"articles":1}` || hot.Value()[0].Views != 1 {
			t.Errorf("%q, value %v", w.Body, hot.Value())
		}
		stop()

		// A format the snapshot lacks is a reason to compute at start.
		site = open(t, state)
		hot = beforehand.New(site, "hot", counter(&calls), beforehand.Policy{})
		hot.Render("svg", func(w io.Writer, v []article) error {
			_, err := io.WriteString(w, "<svg/>")
			return err
		})
		defer run(t, site)()
		settle(time.Second)
		if w := get(hot, "/hot.svg"); w.Code != 200 || w.Header().Get("Content-Type") != "image/svg+xml" || calls.Load() != 2 {
			t.Errorf("%d %q, %d runs", w.Code, w.Body, calls.Load())
		}
	})
}

func TestFormatsAreThoseOfThePolicyAndOfTheRenderedCSV(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := open(t, memory.New())
		value := func(context.Context) ([]int, error) { return []int{1, 2}, nil }
		all := beforehand.New(site, "all", value, beforehand.Policy{})
		all.Render("csv", func(w io.Writer, _ []int) error { _, err := io.WriteString(w, "n\n3\n"); return err })
		some := beforehand.New(site, "some", value, beforehand.Policy{Formats: []string{"md"}})
		some.Render("svg", func(io.Writer, []int) error { return errors.New("made in vain") })
		files := beforehand.New(site, "files", func(context.Context) (beforehand.Files, error) {
			return beforehand.Files{"json": []byte("[1]"), "csv": []byte("n\n5\n")}, nil
		}, beforehand.Policy{Formats: []string{"csv", "html"}})
		defer run(t, site)()
		settle(time.Second)
		if w := get(all, "/all.md"); !strings.Contains(w.Body.String(), "| 3 |") {
			t.Errorf("Markdown is not made of the CSV: %s", w.Body)
		}
		for name, c := range map[string]struct {
			got  []snapshot.File
			want string
		}{"some": {some.Current().Files, "json md"}, "files": {files.Current().Files, "csv html"}} {
			var formats []string
			for _, f := range c.got {
				if f.Encoding == "" {
					formats = append(formats, f.Format)
				}
			}
			if got := strings.Join(formats, " "); got != c.want {
				t.Errorf("%s has %s, want %s", name, got, c.want)
			}
		}
		if got := some.Value(); len(got) != 2 {
			t.Errorf("the value is %v", got)
		}
		if w := get(files, "/files.html"); !strings.Contains(w.Body.String(), "<td>5</td>") {
			t.Errorf("HTML is not made of the CSV: %s", w.Body)
		}
	})
}

func TestReportOfFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := open(t, memory.New())
		top := beforehand.New(site, "top", func(context.Context) (beforehand.Files, error) {
			return beforehand.Files{"json": []byte(`[{"n":1}]`), "svg": []byte("<svg/>")}, nil
		}, beforehand.Policy{})
		defer run(t, site)()
		settle(time.Second)
		for target, want := range map[string]string{"/top": `[{"n":1}]`, "/top.svg": "<svg/>", "/top.csv": "n\r\n1\r\n"} {
			if w := get(top, target); w.Body.String() != want {
				t.Errorf("%s: %d %q", target, w.Code, w.Body)
			}
		}
		if v := top.Value(); string(v["svg"]) != "<svg/>" {
			t.Errorf("value %v", v)
		}
	})
}

func TestTypeThatDoesNotComeBackFromJSONFailsItsFirstRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type list struct{ articles []article }
		site := open(t, memory.New())
		hot := beforehand.New(site, "hot", func(context.Context) (list, error) { return list{[]article{{"/", 1}}}, nil }, beforehand.Policy{})
		defer run(t, site)()
		if err := hot.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), "value.articles") {
			t.Errorf("got %v", err)
		}
	})
}

func TestCountedIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := open(t, memory.New())
		want := snapshot.Pageviews{Through: 97_200_000, From: time.Unix(1000, 0).UTC(), To: time.Unix(2000, 0).UTC()}
		hot := beforehand.New(site, "hot", func(ctx context.Context) (int, error) {
			if beforehand.RunOf(ctx).Fence == 0 {
				return 0, errors.New("no fence")
			}
			beforehand.Progress(ctx, 1, 2, "half")
			beforehand.Counted(ctx, want)
			return 1, nil
		}, beforehand.Policy{})
		defer run(t, site)()
		settle(time.Second)
		if c := hot.Current(); c.Pageviews != want {
			t.Errorf("pageviews %+v", c.Pageviews)
		}
	})
}

// An encoder that is handed in makes its coding for every format, for whoever
// accepts it, and for the files.
func TestEncoderIsHandedIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		half := snapshot.Encoder{Name: "br", Encode: func(b []byte) ([]byte, error) { return b[:len(b)/2], nil }}
		site, err := beforehand.Open(t.Context(), beforehand.Config{
			State: memory.New(), Encoders: []snapshot.Encoder{half}, Publish: dir,
		})
		if err != nil {
			t.Fatal(err)
		}
		hot := beforehand.New(site, "hot", func(context.Context) (string, error) { return "hot", nil }, beforehand.Policy{})
		defer run(t, site)()
		settle(time.Second)
		w := get(hot, "/hot.json", "Accept-Encoding", "gzip, br")
		if w.Header().Get("Content-Encoding") != "br" || w.Body.String() != "\"ho" {
			t.Errorf("%q %q", w.Header().Get("Content-Encoding"), w.Body)
		}
		if got := read(t, filepath.Join(dir, "hot.json.br")); got != "\"ho" {
			t.Errorf("hot.json.br: %q", got)
		}
	})
}
