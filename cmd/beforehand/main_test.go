package main

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/beforehand-go/beforehand/internal/datadir"
)

// endSoon has a program with the race detector end in a twentieth of a second,
// in which others may still be seen racing, and not in a whole one.
const endSoon = "atexit_sleep_ms=50"

// TestMain lets the test binary stand in for the program when it is called by
// that name.
func TestMain(m *testing.M) {
	os.Setenv("GORACE", endSoon+" "+os.Getenv("GORACE"))
	testscript.Main(m, map[string]func(){"beforehand": main})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"sqlite": sqliteCommand},
		Setup: func(e *testscript.Env) error {
			e.Setenv("GORACE", os.Getenv("GORACE"))
			return nil
		},
	})
}

// sqliteCommand carries out the statements of a file: sqlite DATABASE FILE.
func sqliteCommand(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	_, err = db.Exec(ts.ReadFile(args[1]))
	ts.Check(errors.Join(err, db.Close()))
}

func TestSocketIsTheOwnersAlone(t *testing.T) {
	l, err := listenControl(context.Background(), &datadir.Dir{Path: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	info, err := os.Stat(l.Addr().String())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket %v, error %v", info, err)
	}
}
