// Package migrations reads the numbered SQL files of an engine and tells which
// of them a database still lacks.
//
// Migrations go forward only. A file that older versions of the program cannot
// live with says so in its first line, "-- oldest: N": versions that know
// fewer than N migrations are then refused. All others go on working beside
// newer ones, so a migration adds first, and takes away one version later.
package migrations

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A Migration is one file: NNNN-name.sql.
type Migration struct {
	Number int
	Name   string
	SQL    string
	// Oldest is the lowest number of migrations a version must know to use
	// the schema from here on; zero means that any may.
	Oldest int
}

// Load reads the files of a folder. Their numbers run from one without a gap.
func Load(fsys fs.FS, dir string) ([]Migration, error) {
	names, err := fs.Glob(fsys, path.Join(dir, "*.sql"))
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var list []Migration
	for i, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		base := path.Base(name)
		digits, _, _ := strings.Cut(base, "-")
		if n, err := strconv.Atoi(digits); err != nil || n != i+1 {
			return nil, fmt.Errorf("load migrations: %s is number %d", base, i+1)
		}
		m := Migration{Number: i + 1, Name: strings.TrimSuffix(base, ".sql"), SQL: string(text)}
		first, _, _ := strings.Cut(m.SQL, "\n")
		if oldest, ok := strings.CutPrefix(first, "-- oldest: "); ok {
			if m.Oldest, err = strconv.Atoi(strings.TrimSpace(oldest)); err != nil {
				return nil, fmt.Errorf("load migrations: first line of %s: %w", base, err)
			}
		}
		list = append(list, m)
	}
	return list, nil
}

// Pending returns what a database at a version lacks. It is an error if the
// database asks for a newer program: it says the oldest version that may use
// it.
func Pending(list []Migration, version, oldest int) ([]Migration, error) {
	if oldest > len(list) {
		return nil, fmt.Errorf("the database needs a version of this program that knows migration %d; this one knows %d: install a newer one", oldest, len(list))
	}
	return list[min(version, len(list)):], nil
}
