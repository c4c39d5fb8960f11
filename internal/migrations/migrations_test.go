package migrations_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/beforehand-go/beforehand/internal/migrations"
)

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func TestLoad(t *testing.T) {
	list, err := migrations.Load(fstest.MapFS{
		"m/0001-jobs.sql":   file("CREATE TABLE jobs (a);"),
		"m/0002-narrow.sql": file("-- oldest: 2\nALTER TABLE jobs DROP COLUMN a;"),
		"m/note.txt":        file("not one"),
	}, "m")
	if err != nil || len(list) != 2 || list[0].Oldest != 0 || list[1].Oldest != 2 || list[1].Name != "0002-narrow" {
		t.Errorf("%+v, %v", list, err)
	}
	for name, fs := range map[string]fstest.MapFS{
		"gap":   {"m/0002-a.sql": file("")},
		"first": {"m/0001-a.sql": file("-- oldest: two\n")},
	} {
		if _, err := migrations.Load(fs, "m"); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestPending(t *testing.T) {
	list := []migrations.Migration{{Number: 1}, {Number: 2}}
	for _, c := range []struct {
		version, oldest, want int
		refused               bool
	}{
		{0, 0, 2, false},
		{1, 0, 1, false},
		{2, 2, 0, false},
		{3, 2, 0, false}, // a newer schema that this version may use
		{3, 3, 0, true},
	} {
		got, err := migrations.Pending(list, c.version, c.oldest)
		if (err != nil) != c.refused || len(got) != c.want {
			t.Errorf("version %d, oldest %d: %d pending, %v", c.version, c.oldest, len(got), err)
		}
		if err != nil && !strings.Contains(err.Error(), "install a newer one") {
			t.Errorf("the error does not say what to do: %v", err)
		}
	}
}
