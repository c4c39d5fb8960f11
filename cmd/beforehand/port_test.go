package main

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
)

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
