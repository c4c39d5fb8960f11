package duckdb

import (
	"context"
	"database/sql"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// columnTypes are those of an export that are no text.
var columnTypes = map[string]string{
	"seq": "UBIGINT", "at": "TIMESTAMP", "day": "DATE", "hour": "TIMESTAMP", "visitor": "UBIGINT", "seconds": "UINTEGER",
}

// Parquet turns the CSV files of a folder, which another engine has exported,
// into Parquet files like those that [Store.Export] writes: the same names,
// types and compression. The CSV files are gone then. After an error they are
// as they were.
func Parquet(ctx context.Context, dir string) (err error) {
	var made []string
	defer func() {
		if err != nil {
			err = fmt.Errorf("turn the files of %s into Parquet: %w", dir, err)
			for _, path := range made {
				os.Remove(path)
			}
		}
	}()
	names, err := fs.Glob(os.DirFS(dir), "*.csv")
	if err != nil {
		return err
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return err
	}
	defer db.Close()
	for _, name := range names {
		path := filepath.Join(dir, name)
		columns, err := csvColumns(path)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		to := strings.TrimSuffix(path, ".csv") + ".parquet"
		made = append(made, to)
		if err := copyOut(ctx, db, fmt.Sprintf(`FROM read_csv(%s, %s)`, quote(path, '\''), columns), to, exportOptions["parquet"]); err != nil {
			return err
		}
	}
	for _, name := range names {
		err = errors.Join(err, os.Remove(filepath.Join(dir, name)))
	}
	return err
}

// csvColumns says how to read a CSV file by its first line. Nothing is guessed;
// an empty text is one.
func csvColumns(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	names, err := csv.NewReader(f).Read()
	if err != nil {
		return "", err
	}
	var columns, texts []string
	for _, name := range names {
		kind, ok := columnTypes[name]
		if !ok {
			kind = "VARCHAR"
			texts = append(texts, quote(name, '\''))
		}
		columns = append(columns, quote(name, '\'')+": '"+kind+"'")
	}
	return fmt.Sprintf(`auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', parallel = false, columns = {%s}, force_not_null = [%s]`,
		strings.Join(columns, ", "), strings.Join(texts, ", ")), nil
}
