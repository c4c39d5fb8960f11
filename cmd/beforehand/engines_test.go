package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beforehand-go/beforehand/config"
	"github.com/beforehand-go/beforehand/internal/datadir"
	"github.com/beforehand-go/beforehand/internal/pgtest"
)

func TestEngines(t *testing.T) {
	t.Setenv("SECRET", "s3cret")
	for _, c := range []struct {
		about      string
		flag, env  string
		file, want string
		refused    bool
	}{
		{about: "nothing is said"},
		{about: "the file says it", file: "postgres://u:${SECRET}@h/d", want: "postgres://u:s3cret@h/d"},
		{about: "the environment goes before the file", env: "postgres://env", file: "postgres://file", want: "postgres://env"},
		{about: "a flag goes before the environment", flag: "postgresql://flag", env: "postgres://env", want: "postgresql://flag"},
		{about: "it is no PostgreSQL", flag: "mysql://u:s3cret@h/d", refused: true},
		{about: "a variable is missing", file: "postgres://u:${MISSING}@h/d", refused: true},
	} {
		t.Setenv("BEFOREHAND_STATE", c.env)
		var v placeFlags
		f := newFlags("check")
		v.addEngines(f)
		if err := f.parse(stdio{}, []string{"--state=" + c.flag}[:min(len(c.flag), 1)], 0); err != nil {
			t.Fatal(err)
		}
		e, err := v.engines(&config.File{State: config.Secret(c.file)})
		if (err != nil) != c.refused || e.state != c.want {
			t.Errorf("%s: %q, %v", c.about, e.state, err)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error shows the password: %v", c.about, err)
		}
	}
}

func TestReplicasFitTogether(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t, "fsync=off")
	kept := engines{state: server.Database(t)}
	one, other := t.TempDir(), t.TempDir()
	open := func(e engines, data string) error {
		dir, err := datadir.Open(data, "test")
		if err != nil {
			t.Fatal(err)
		}
		defer dir.Close()
		key, err := e.readKey(dir)
		if err != nil {
			t.Fatal(err)
		}
		state, err := e.openSealed(t.Context(), dir, key)
		if err != nil {
			return err
		}
		return state.Close()
	}
	same := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(same, []byte(strings.Repeat("0f", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := open(engines{state: kept.state, key: same}, one); err != nil {
			t.Errorf("the same key: %v", err)
		}
	}
	if err := open(engines{state: kept.state, key: same}, other); err == nil || !strings.Contains(err.Error(), "one replica only") {
		t.Errorf("a second DuckDB: %v", err)
	}
	if err := open(kept, t.TempDir()); err == nil || !strings.Contains(err.Error(), "same one") {
		t.Errorf("a key of its own: %v", err)
	}
}
