package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func Example() {
	dir, err := os.MkdirTemp("", "embed")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	addr := freeAddr()
	go func() { ended <- serve(ctx, filepath.Join(dir, "site.db"), addr) }()

	fmt.Print(get("http://" + addr + "/hot.json"))
	fmt.Print(get("http://" + addr + "/hot.csv"))
	fmt.Print(get("http://" + addr + "/"))
	fmt.Println(get("http://" + addr + "/visits.svg")[:4])

	stop()
	fmt.Println(<-ended)
	// Output:
	// [{"path":"/about-sqlite","views":120},{"path":"/hello-world","views":73}]
	// path,views
	// /about-sqlite,120
	// /hello-world,73
	// the hottest of 2 articles
	// <svg
	// <nil>
}

// freeAddr is a loopback address nobody listens at.
func freeAddr() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// get waits for the server to listen.
func get(url string) string {
	for range 500 {
		r, err := http.Get(url)
		if err != nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		return strings.ReplaceAll(string(b), "\r", "")
	}
	return "no answer from " + url
}

// The program links no DuckDB, no driver but SQLite's, and no C.
func TestNothingHeavyIsLinked(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Standard,CgoFiles", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for d := json.NewDecoder(strings.NewReader(string(out))); ; n++ {
		var p struct {
			ImportPath string
			Standard   bool
			CgoFiles   []string
		}
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if !p.Standard && len(p.CgoFiles) > 0 {
			t.Errorf("%s needs cgo: %v", p.ImportPath, p.CgoFiles)
		}
		for _, heavy := range []string{"duckdb", "clickhouse", "pgx", "purego", "beforehand/server", "beforehand/web"} {
			if strings.Contains(p.ImportPath, heavy) {
				t.Errorf("%s is linked", p.ImportPath)
			}
		}
	}
	if n < 50 {
		t.Errorf("only %d packages listed", n)
	}
}
