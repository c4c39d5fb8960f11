package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// memoryLimit is what docs/operating.md says that a server takes at most, in
// bytes.
const memoryLimit = 1 << 30

// flood sends batches to a server from many senders at once, each again and
// again, refused or not.
type flood struct {
	url, token     string
	batch          int // pageviews of each
	over           atomic.Bool
	acked, refused atomic.Int64

	mu   sync.Mutex
	kept map[string]string // what came of each batch, by the path of its pageviews
}

const batchPath = "/000/000000" // of a batch, before its own is put in

func (f *flood) send(sender int) error {
	client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: 10 * time.Second}, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	var all bytes.Buffer
	for i := range f.batch {
		fmt.Fprintf(&all, `{"path":%q,"visitor":"v%d","title":"A page that is asked for too often"}`+"\n", batchPath, i)
	}
	for i := 0; !f.over.Load(); i++ {
		path := fmt.Sprintf("/%03d/%06d", sender, i)
		body := bytes.ReplaceAll(all.Bytes(), []byte(batchPath), []byte(path))
		req, err := http.NewRequest(http.MethodPost, f.url+"/api/v1/pageviews", bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+f.token)
		req.Header.Set("Content-Type", "application/x-ndjson")
		if sender%4 > 0 { // these do not send what is refused anyway
			req.Header.Set("Expect", "100-continue")
		}
		what := "not answered"
		if res, err := client.Do(req); err == nil {
			text, err := io.ReadAll(res.Body)
			res.Body.Close()
			switch {
			case err != nil: // the connection ended
			case res.StatusCode == http.StatusOK:
				what = "acknowledged"
				f.acked.Add(int64(f.batch))
			case res.StatusCode != http.StatusServiceUnavailable && res.StatusCode != http.StatusRequestTimeout, res.Header.Get("Retry-After") == "":
				return fmt.Errorf("answered %s, %s", res.Status, text)
			case bytes.Contains(text, []byte("nothing of this request was kept")):
				what = "refused"
				f.refused.Add(int64(f.batch))
			default: // it waited for too long
				what = "answered that it may be kept"
			}
		}
		if what != "refused" {
			f.mu.Lock()
			f.kept[path] = what
			f.mu.Unlock()
		}
	}
	return nil
}

// TestServerUnderOverload sends a server far more than it can take. It refuses
// with 503, or 408 where it could not read a body in time, readers go on being served, its memory stays within the limit, and
// afterwards exactly what it acknowledged is there.
func TestServerUnderOverload(t *testing.T) {
	lasts, senders, times := 3*time.Second, 150, int64(1)
	if prove() {
		lasts, senders, times = time.Minute, 400, 9
	}
	name, data := program(t), filepath.Join(t.TempDir(), "data")
	out, err := exec.CommandContext(t.Context(), name, "token", "create", "test", "--data", data).Output()
	if err != nil {
		t.Fatal(err)
	}
	server, url := serveOn(t, name, data)
	f := &flood{url: url, token: strings.TrimSpace(string(out)), batch: 2_000, kept: map[string]string{}}
	var wg sync.WaitGroup
	for sender := range senders {
		wg.Go(func() {
			if err := f.send(sender); err != nil {
				t.Error(err)
			}
		})
	}
	reads, began := 0, time.Now()
	for overloaded := false; time.Since(began) < lasts || !overloaded && time.Since(began) < 2*time.Minute; time.Sleep(100 * time.Millisecond) {
		if res, err := http.Get(url + "/s/default/hot.json"); err == nil { // it fails where the machine itself is starved
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				reads++
			} else if reads > 0 {
				t.Errorf("a reader was answered %s", res.Status)
			}
		}
		overloaded = reads > 0 && f.acked.Load() > 0 && f.refused.Load() >= times*f.acked.Load()
	}
	lasts = time.Since(began)
	f.over.Store(true)
	wg.Wait()
	peak := peakMemory(t, server.Process.Pid)
	server.kill()
	acked, refused := f.acked.Load(), f.refused.Load()
	t.Logf("in %v: %d pageviews acknowledged, %d refused, %d reads, at most %d MB of memory", lasts, acked, refused, reads, peak>>20)
	if acked == 0 || refused < times*acked || reads == 0 {
		t.Errorf("%d acknowledged, %d refused, %d reads", acked, refused, reads)
	}
	if peak > memoryLimit && !underRace() {
		t.Errorf("%d MB of memory, the limit is %d", peak>>20, memoryLimit>>20)
	}
	got := pageCounts(t, data)
	for path, what := range f.kept {
		if n := got[path]; n != f.batch && (n != 0 || what == "acknowledged") {
			t.Errorf("%s was %s, and %d of its %d pageviews are there", path, what, n, f.batch)
		}
		delete(got, path)
	}
	for path, n := range got {
		t.Errorf("%s was refused, and %d of its pageviews are there", path, n)
	}
}

// underRace tells whether the race detector, which takes memory of its own, is
// part of the program.
func underRace() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// peakMemory is the most memory in bytes that a process had.
func peakMemory(t *testing.T, pid int) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(status), "\nVmHWM:")
	fields := strings.Fields(rest)
	if !found || len(fields) < 2 || fields[1] != "kB" {
		t.Fatalf("no peak of memory in %s", status)
	}
	n, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}
