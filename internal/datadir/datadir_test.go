package datadir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestADirectoryInUseNamesItsHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	d, err := Open(path, "serve")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(path, "import")
	var inUse *InUseError
	want := fmt.Sprintf("process %d (beforehand serve)", os.Getpid())
	if !errors.As(err, &inUse) || inUse.Holder != want || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want one that names %s", err, want)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(path, "import")
	if err != nil {
		t.Fatalf("after the holder has gone: %v", err)
	}
	again.Close()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, error %v", info.Mode(), err)
	}
}

func TestTheKeyIsMadeOnce(t *testing.T) {
	d, err := Open(t.TempDir(), "serve")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	first, err := d.Key()
	if err != nil || first == [32]byte{} {
		t.Fatal(err)
	}
	second, err := d.Key()
	if err != nil || first != second {
		t.Errorf("another key, error %v", err)
	}
	if err := os.Remove(d.File(KeyFile)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.File(PageviewsFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Key(); err == nil || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("beside pageviews a key was made anew: %v", err)
	}
}
