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
	"github.com/beforehand-go/beforehand/snapshot"
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

// What is held for approval is not published before it is approved.
func TestPublishLeavesOutWhatIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		dir := t.TempDir()
		site := publishing(t, memory.New(), dir)
		hot := beforehand.New(site, "hot", counter(&calls), beforehand.Policy{})
		hot.Check(func(previous, _ []article) error {
			if len(previous) > 0 {
				return beforehand.Hold("look at it")
			}
			return nil
		})
		defer run(t, site)()
		settle(time.Minute)
		if err := hot.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		path := filepath.Join(dir, "hot.json")
		if got := read(t, path); !strings.Contains(got, ":1}") {
			t.Errorf("published while it is held: %q", got)
		}
		if err := hot.Restore(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		if got := read(t, path); !strings.Contains(got, ":2}") {
			t.Errorf("published when it is approved: %q", got)
		}
	})
}

// A file that was cut short is mended, and a list of what was published that
// somebody has changed removes nothing outside of the folder.
func TestPublishMendsTheFolderAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		parent := t.TempDir()
		dir := filepath.Join(parent, "site")
		site := publishing(t, memory.New(), dir)
		beforehand.New(site, "hot", counter(&calls), beforehand.Policy{})
		defer run(t, site)()
		settle(time.Second)
		path := filepath.Join(dir, "hot.json")
		want := read(t, path)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		outside, list := filepath.Join(parent, "outside"), filepath.Join(dir, ".beforehand.json")
		for name, text := range map[string]string{
			path: want[:5], outside: "mine", list: `{"hot":["../outside","hot.json","` + outside + `"]}`,
		} {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		if got := read(t, path); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if got := read(t, outside); got != "mine" {
			t.Errorf("outside: %q", got)
		}
		if got := read(t, list); strings.Contains(got, "outside") {
			t.Errorf("listed: %s", got)
		}
	})
}

// A process that was about to write a snapshot while others put newer ones
// ends with the newest, in the same look.
func TestPublishLooksAgainAfterItHasWritten(t *testing.T) {
	for _, keep := range []int{1, 5} {
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			state := &overtaken{State: memory.New(), keep: keep}
			site := publishing(t, state, dir)
			beforehand.New(site, "hot", func(context.Context) (beforehand.Files, error) {
				return beforehand.Files{"txt": []byte("first")}, nil
			}, beforehand.Policy{})
			defer run(t, site)()
			settle(time.Second)
			if got := read(t, filepath.Join(dir, "hot.txt")); got != "third" || len(state.texts) > 0 {
				t.Errorf("%q with %q to come, want the third", got, state.texts)
			}
		})
	}
}

// overtaken is a state into which a newer snapshot is put whenever a version is
// about to be read by its number, as only what publishes does.
type overtaken struct {
	beforehand.State
	keep  int
	texts []string
	begun bool
}

func (o *overtaken) Snapshots() snapshot.Store { return overtakenStore{o.State.Snapshots(), o} }

type overtakenStore struct {
	snapshot.Store
	o *overtaken
}

func (s overtakenStore) Get(ctx context.Context, k snapshot.Key, version int64) (snapshot.Snapshot, error) {
	if !s.o.begun {
		s.o.begun, s.o.texts = true, []string{"second", "third"}
	}
	if version > 0 && len(s.o.texts) > 0 {
		newer, err := s.Store.Get(ctx, k, 0)
		if err != nil {
			return newer, err
		}
		files, err := snapshot.Build([]snapshot.Format{{Name: "txt", Body: []byte(s.o.texts[0])}}, nil, newer.Files, time.Now())
		if err != nil {
			return newer, err
		}
		newer.Files, newer.Base, newer.Fence, newer.Keep = files, newer.Version, 0, s.o.keep
		if _, err := s.Put(ctx, newer); err != nil {
			return newer, err
		}
		s.o.texts = s.o.texts[1:]
	}
	return s.Store.Get(ctx, k, version)
}

// A report that is added while the site runs is published as the state has it.
func TestPublishWhatIsAddedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		state := memory.New()
		add := func(site *beforehand.Site, name string) {
			beforehand.New(site, name, counter(&calls), beforehand.Policy{Trigger: trigger.Every(24 * time.Hour)})
		}
		before := open(t, state)
		add(before, "a")
		add(before, "b")
		stop := run(t, before)
		settle(time.Second)
		stop()
		dir := t.TempDir()
		site := publishing(t, state, dir)
		add(site, "a")
		defer run(t, site)()
		settle(time.Second)
		add(site, "b")
		settle(time.Minute)
		if got := files(t, dir); !strings.Contains(got, "a.json") || !strings.Contains(got, "b.json") || calls.Load() != 2 {
			t.Errorf("files %s after %d computations", got, calls.Load())
		}
	})
}

func TestAReportIsPublishedToAFolderOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := func(context.Context) (int, error) { return 1, nil }
		state, all, own := memory.New(), t.TempDir(), t.TempDir()
		run := func(dir string, policy beforehand.Policy) {
			site := publishing(t, state, dir)
			beforehand.New(site, "blog/secret", one, beforehand.Policy{Formats: []string{"json"}})
			beforehand.New(site, "blog/hot", one, policy)
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- site.Run(ctx) }()
			time.Sleep(time.Minute)
			stop()
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		run("", beforehand.Policy{Publish: own, Formats: []string{"json"}})
		if got, want := files(t, own), ".beforehand.json blog/hot.json"; got != want {
			t.Errorf("its folder holds %s, want %s", got, want)
		}
		run(all, beforehand.Policy{Publish: own, Formats: []string{"json"}})
		if got, want := files(t, all), ".beforehand.json blog/hot.json blog/secret.json"; got != want {
			t.Errorf("the folder of all holds %s, want %s", got, want)
		}
		run(all, beforehand.Policy{Publish: all, Formats: []string{"json"}})
		if got, want := files(t, all), ".beforehand.json blog/hot.json blog/secret.json"; got != want {
			t.Errorf("named twice, it holds %s, want %s", got, want)
		}
	})
}
