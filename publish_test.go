package beforehand_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/trigger"
)

// publishing makes a site that publishes to a folder.
func publishing(t *testing.T, state beforehand.State, dir string) *beforehand.Site {
	t.Helper()
	site, err := beforehand.Open(t.Context(), beforehand.Config{State: state, Publish: dir, Poll: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return site
}

// files lists a folder, with slashes.
func files(t *testing.T, dir string) string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, p)
			names = append(names, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, " ")
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPublishKeepsTheFolderEqualToTheSnapshots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		dir, state := t.TempDir(), memory.New()
		if err := os.WriteFile(filepath.Join(dir, "mine.txt"), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		site := publishing(t, state, dir)
		policy := beforehand.Policy{Trigger: trigger.Every(time.Hour)}
		beforehand.New(site, "blog/hot", counter(&calls), policy)
		stop := run(t, site)
		settle(time.Second)
		want := ".beforehand.json blog/hot.csv blog/hot.html blog/hot.html.gz blog/hot.json blog/hot.md mine.txt"
		if got := files(t, dir); got != want {
			t.Errorf("files %s, want %s", got, want)
		}
		path := filepath.Join(dir, "blog", "hot.json")
		if got := read(t, path); got != "[{\"path\":\"/\",\"views\":1}]\n" {
			t.Errorf("hot.json: %q", got)
		}
		settle(time.Hour)
		newer := read(t, path)
		if !strings.Contains(newer, ":2}") {
			t.Errorf("hot.json an hour later: %q", newer)
		}

		// An older file of a process that stood still, and one that is gone.
		if err := os.WriteFile(path, []byte("[{\"path\":\"/\",\"views\":1}]\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(dir, "blog", "hot.csv")); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		if got := files(t, dir); got != want || read(t, path) != newer {
			t.Errorf("not mended: %s, %q", got, read(t, path))
		}
		stop()

		// A state that was lost takes no file away before there is another.
		lost := publishing(t, memory.New(), dir)
		beforehand.New(lost, "blog/hot", func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		}, policy)
		end := run(t, lost)
		settle(time.Minute)
		if got := files(t, dir); got != want {
			t.Errorf("files %s, want %s", got, want)
		}
		end()

		// The same report of another form: what is no longer made goes.
		site = publishing(t, state, dir)
		beforehand.New(site, "blog/hot", func(context.Context) (beforehand.Files, error) {
			return beforehand.Files{"svg": []byte("<svg/>")}, nil
		}, policy)
		defer run(t, site)()
		settle(time.Second)
		if got, want := files(t, dir), ".beforehand.json blog/hot.svg mine.txt"; got != want {
			t.Errorf("files %s, want %s", got, want)
		}
	})
}

func TestPublishLeavesTheFilesOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, state := t.TempDir(), memory.New()
		one := func(context.Context) (int, error) { return 1, nil }
		a, b := publishing(t, state, dir), publishing(t, state, dir)
		beforehand.New(a, "a", one, beforehand.Policy{})
		beforehand.New(b, "b", one, beforehand.Policy{})
		defer run(t, a)()
		defer run(t, b)()
		settle(time.Minute)
		if got, want := files(t, dir), ".beforehand.json a.csv a.html a.html.gz a.json a.md b.csv b.html b.html.gz b.json b.md"; got != want {
			t.Errorf("files %s, want %s", got, want)
		}
	})
}

// A folder that cannot be written changes nothing for readers.
func TestPublishThatFailsDoesNotFailTheReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		dir := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(dir, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		site := publishing(t, memory.New(), dir)
		hot := beforehand.New(site, "hot", counter(&calls), beforehand.Policy{})
		defer run(t, site)()
		settle(time.Minute)
		if calls.Load() != 1 || get(hot, "/hot.json").Code != 200 {
			t.Errorf("%d runs, status %d", calls.Load(), get(hot, "/hot.json").Code)
		}
	})
}

func TestFilesOfAFamilyHaveNamesThatFitAnywhere(t *testing.T) {
	type params struct {
		Site string `json:"site"`
		N    int    `json:"n,omitempty"`
		More []int  `json:"more,omitempty"`
	}
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		site := publishing(t, memory.New(), dir)
		write := func(context.Context, params) (beforehand.Files, error) { return beforehand.Files{"txt": nil}, nil }
		never := func(*http.Request) (params, error) { return params{}, errors.New("no") }
		beforehand.NewFamily(site, "a", never, write, beforehand.FamilyPolicy[params]{Always: []params{
			{Site: "blog", N: 7}, {Site: "../../etc/x"}, {Site: "é?/,=%"}, {Site: strings.Repeat("long", 100)}, {Site: strings.Repeat("long", 101)}, {More: []int{1}},
		}})
		text := func(context.Context, string) (beforehand.Files, error) { return beforehand.Files{"txt": nil}, nil }
		beforehand.NewFamily(site, "b", func(*http.Request) (string, error) { return "", nil }, text,
			beforehand.FamilyPolicy[string]{Always: []string{"", ".x", "week", "a.b"}})
		defer run(t, site)()
		settle(time.Second)
		long := "a/site=longlonglonglonglonglonglonglonglonglonglonglonglonglo"
		want := ".beforehand.json a/site=,more=~5b1~5d.txt a/site=..~2f..~2fetc~2fx.txt a/site=blog,n=7.txt" +
			" " + long + "n~9a403a987c96f41789f48c2f.txt " + long + "n~e08e7431c6efb60b6e4157d1.txt a/site=~c3~a9~3f~2f~2c~3d~25.txt" +
			" b/a.b.txt b/week.txt b/~.txt b/~2ex.txt"
		if got := files(t, dir); got != want {
			t.Errorf("files\n%s, want\n%s", strings.ReplaceAll(got, " ", "\n"), strings.ReplaceAll(want, " ", "\n"))
		}
	})
}
