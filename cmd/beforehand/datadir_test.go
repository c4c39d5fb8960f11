package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDataDirInUseNamesItsHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	d, err := openDataDir(path, "serve")
	if err != nil {
		t.Fatal(err)
	}
	_, err = openDataDir(path, "import")
	var inUse *inUseError
	want := fmt.Sprintf("process %d (beforehand serve)", os.Getpid())
	if !errors.As(err, &inUse) || inUse.holder != want || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want one that names %s", err, want)
	}
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	again, err := openDataDir(path, "import")
	if err != nil {
		t.Fatalf("after the holder has gone: %v", err)
	}
	again.close()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, error %v", info.Mode(), err)
	}
}

func TestKeyIsMadeOnceAndNeverPrinted(t *testing.T) {
	d, err := openDataDir(t.TempDir(), "serve")
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	first, err := d.key()
	if err != nil {
		t.Fatal(err)
	}
	second, err := d.key()
	if err != nil || first != second {
		t.Errorf("another key, error %v", err)
	}
	if text := fmt.Sprintf("%v %s", first, first); text != "secret secret" {
		t.Errorf("the key prints as %q", text)
	}
}

func TestPortTakenSaysWhatToDo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var out, errs strings.Builder
	args := []string{"serve", "--data", filepath.Join(t.TempDir(), "data"), "--listen", l.Addr().String()}
	code := run(t.Context(), stdio{strings.NewReader(""), &out, &errs}, args)
	if code != 1 || !strings.Contains(errs.String(), "address already in use; choose another address with --listen") {
		t.Errorf("status %d, %s", code, errs.String())
	}
}
