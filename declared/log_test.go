package declared_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/beforehand-go/beforehand/declared"
)

func TestWhatACommandWritesIsLogged(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
			return slog.Attr{}
		}
		return a
	}}))
	said := func() []string {
		lines := strings.Split(strings.TrimSpace(b.String()), "\n")
		b.Reset()
		return lines
	}
	const command = `printf 'one\n\n  \033[31mtwo\n' >&2; printf '[{"a":1}]'; printf '%05000d' 7 >&2`
	r := report(declared.Config{Source: declared.Source{Run: []string{"sh", "-c", command}}})
	r.Logger = log
	if _, err := r.Make(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := said()
	if len(got) != 4 || got[0] != "msg=one" || got[1] != "msg=[31mtwo" || len(got[2]) != len("msg=")+4<<10 || len(got[3]) != len("msg=")+5000-4<<10 {
		t.Errorf("a report logs %q", got)
	}
	job := declared.Job{Source: declared.Source{Run: []string{"sh", "-c", "echo done; echo careful >&2; exit 3"}}}
	if err := job.Do(t.Context(), log); err == nil {
		t.Error("a command that failed")
	}
	if got := said(); len(got) != 2 || !strings.Contains(got[0]+got[1], "done") || !strings.Contains(got[0]+got[1], "careful") {
		t.Errorf("a job logs %q", got)
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("[]")) }))
	defer web.Close()
	job = declared.Job{Source: declared.Source{URL: web.URL + "/?secret=x"}}
	if err := job.Do(t.Context(), log); err != nil {
		t.Fatal(err)
	}
	if got := said(); len(got) != 1 || !strings.Contains(got[0], "msg=answered status=200 bytes=2") || strings.Contains(got[0], "secret") {
		t.Errorf("a URL logs %q", got)
	}
}
