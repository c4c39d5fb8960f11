package collect_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/collect"
)

// followed is a log under test.
type followed struct {
	t    *testing.T
	im   *collect.Importer
	path string
	next int // line that is written next
	stop func()
	rest func() // called once, before what the log was rotated to is read

	mu     sync.Mutex
	failed []error
}

func follow(t *testing.T) *followed {
	f := &followed{t: t, im: plainImporter(t), path: filepath.Join(t.TempDir(), "access.log")}
	t.Cleanup(func() { f.halt() })
	return f
}

// start follows the log, in the manner of a process that begins.
func (f *followed) start() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	f.stop = func() { cancel(); <-done }
	go func() {
		defer close(done)
		collect.Follow(ctx, collect.Following{
			Path: f.path, Poll: time.Millisecond,
			Import: func(ctx context.Context, l collect.Log) error {
				if l.Rest && f.rest != nil {
					f.rest()
					f.rest = nil
				}
				l.Site = &collect.Site{Name: site, Zone: time.UTC}
				_, err := f.im.Import(ctx, l, nil)
				return err
			},
			Failed: func(err error) {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.failed = append(f.failed, err)
			},
		})
	}()
}

// halt ends the following, if it was begun.
func (f *followed) halt() {
	if f.stop != nil {
		f.stop()
		f.stop = nil
	}
}

// write appends lines to the log, which is made when it is not there.
func (f *followed) write(n int) {
	f.t.Helper()
	file, err := os.OpenFile(f.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		f.t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(lines(f.next, n)); err != nil {
		f.t.Fatal(err)
	}
	f.next += n
}

// wait waits until every line that was written is counted, and none twice.
func (f *followed) wait(when string) {
	f.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		n := len(kept(f.im))
		if n > f.next {
			f.t.Fatalf("%s: %d pageviews, and %d lines were written", when, n, f.next)
		}
		if n == f.next {
			return
		}
		if time.Now().After(deadline) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.t.Fatalf("%s: %d pageviews of %d lines; failed: %v", when, n, f.next, f.failed)
		}
		time.Sleep(time.Millisecond) // files are outside of a bubble
	}
}

func (f *followed) rename(to string) {
	f.t.Helper()
	if err := os.Rename(f.path, f.path+to); err != nil {
		f.t.Fatal(err)
	}
}

// copyAndEmpty is what copytruncate does.
func (f *followed) copyAndEmpty(to string) {
	f.t.Helper()
	text, err := os.ReadFile(f.path)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(f.path+to, text, 0o600); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Truncate(f.path, 0); err != nil {
		f.t.Fatal(err)
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	f := follow(t)
	f.start() // before the log is there
	f.write(10)
	f.wait("a log that was made")
	f.write(500)
	f.wait("more lines")
	f.rename(".1")
	f.write(20)
	f.wait("renamed, and a new one made")
	f.rename(".2")
	old, err := os.OpenFile(f.path+".2", os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	old.WriteString(lines(f.next, 5)) // the server has not opened the new one yet
	f.next += 5
	f.wait("lines to the renamed one")
	f.write(30)
	f.wait("the new one")
	f.copyAndEmpty(".3")
	f.write(15)
	f.wait("copied and emptied")
	f.write(100)
	f.copyAndEmpty(".4") // perhaps before the last lines were read
	f.write(300)         // at once longer than it was
	f.wait("copied and emptied at once")
}

func TestFollowGoesOnAfterItEnded(t *testing.T) {
	t.Parallel()
	for name, rotate := range map[string]func(*followed, string){
		"renamed": (*followed).rename, "copied and emptied": (*followed).copyAndEmpty,
	} {
		t.Run(name, func(t *testing.T) {
			f := follow(t)
			os.WriteFile(f.path+".9", []byte(lines(900_000, 50)), 0o600) // from before: not asked for
			old := time.Now().Add(-time.Hour)
			os.Chtimes(f.path+".9", old, old)
			f.write(100)
			f.start()
			f.wait("the first time")
			f.halt()
			f.write(50)
			rotate(f, ".2")
			f.write(60)
			rotate(f, ".1")
			f.write(70)
			f.start()
			f.wait("rotated twice meanwhile")
			f.halt()
			for _, path := range []string{f.path, f.path + ".1", f.path + ".2"} {
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if s, err := importLog(f.im, strings.NewReader(string(text))); err != nil || s.Pageviews != 0 {
					t.Errorf("import of %s counted %+v, error %v", path, s, err)
				}
			}
		})
	}
}

// TestFollowSeesThatTheLogIsRotatedAgain rotates the log while what it was rotated
// to before is read.
func TestFollowSeesThatTheLogIsRotatedAgain(t *testing.T) {
	t.Parallel()
	for name, rotate := range map[string]func(*followed, string){
		"renamed": (*followed).rename, "copied and emptied": (*followed).copyAndEmpty,
	} {
		t.Run(name, func(t *testing.T) {
			f := follow(t)
			f.write(100)
			f.start()
			f.wait("the first time")
			f.halt()
			f.write(50)
			rotate(f, ".3")
			f.write(60)
			rotated := make(chan bool)
			f.rest = func() {
				rotate(f, ".2")
				f.write(70)
				rotate(f, ".1")
				f.write(80)
				close(rotated)
			}
			f.start()
			<-rotated
			f.wait("rotated twice while the first one was read")
		})
	}
}

func TestFollowKnowsTheFieldsOfALogThatWasEmptied(t *testing.T) {
	t.Parallel()
	f := follow(t)
	write := func(text string, n int) {
		file, err := os.OpenFile(f.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		for range n {
			at := time.Date(2026, 1, 1, 0, 0, f.next, 0, time.UTC).Format("2006-01-02 15:04:05")
			text += fmt.Sprintf("%s 203.0.113.%d GET /p 200 %s\n", at, f.next%200, strings.ReplaceAll(firefox, " ", "+"))
			f.next++
		}
		if _, err := file.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	f.start()
	write("#Software: x\n#Fields: date time c-ip cs-method cs-uri-stem sc-status cs(User-Agent)\n", 10)
	f.wait("fields told once")
	f.copyAndEmpty(".1")
	write("", 10)
	f.wait("copied and emptied")
	f.copyAndEmpty(".2")
	write("", 10)
	f.wait("again, so that the newest copy tells no fields")
	f.halt()
	write("", 10)
	f.copyAndEmpty(".3")
	f.start() // the log is empty still
	write("", 10)
	f.wait("another process, and lines that only a copy has")
	f.rename(".4")
	write("#Fields: date time c-ip cs-method cs-uri-stem sc-status cs(User-Agent)\n", 10)
	f.wait("a file that tells its fields itself")
}

func TestFollowTriesAgain(t *testing.T) {
	f := follow(t)
	if err := os.WriteFile(f.path, []byte(strings.Repeat("no log\n", 20_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	f.start()
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(time.Millisecond) {
		f.mu.Lock()
		n := len(f.failed)
		f.mu.Unlock()
		if n >= 2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it did not fail twice")
		}
	}
	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	f.write(10)
	f.wait("a log at last")
}

func TestRotatedNames(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "access.log")
	known := []string{
		"access.log.1", "access.log.2.gz", "access.log-20260102", "access.log-20260102.zst", "access-20260102.log",
		"access.3.log", "access.log.2026-01-02T10",
	}
	other := []string{"access.log.bak", "access-other.log", "access2.log", "other.log.1", "access.log.", "access.log.1.xz", "access.log.gz"}
	im := plainImporter(t)
	for i, name := range append(known, other...) {
		text := lines(i*100, 5)
		if name == "access.log.1" {
			importLog(im, strings.NewReader(lines(i*100, 3))) // known, and the oldest
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(time.Duration(i-100) * time.Minute)
		if err := os.Chtimes(filepath.Join(dir, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var read []string
	collect.Follow(ctx, collect.Following{
		Path: path, Poll: time.Millisecond, Failed: func(err error) { t.Log(err) },
		Import: func(ctx context.Context, l collect.Log) error {
			if l.Rest && l.Name != "access.log.1" {
				return collect.ErrUnknown
			}
			if read = append(read, l.Name); len(read) == len(known) {
				cancel()
			}
			return nil
		},
	})
	if fmt.Sprint(read) != fmt.Sprint(known) {
		t.Errorf("read %v, want %v", read, known)
	}
}
