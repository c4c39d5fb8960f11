package declared

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/database"
)

// Report makes the result of a declared report.
type Report struct {
	Config  Config
	DB      *database.DB  // of a query
	Timeout time.Duration // of a command or a request; zero means a minute
}

// Make makes the result: each format that came or could be made of it.
func (r *Report) Make(ctx context.Context) (beforehand.Files, error) {
	if r.Config.SQL != "" {
		t, err := r.query(ctx)
		if err != nil {
			return nil, err
		}
		return r.files(beforehand.Files{}, t)
	}
	out, err := r.output(ctx)
	if err != nil {
		return nil, err
	}
	format := cmp.Or(r.Config.Format, out.format())
	if format == "" {
		return nil, errors.New("what came is neither JSON, CSV, HTML, SVG nor PNG: say in format: what it is")
	}
	if err := check(format, out.body); err != nil {
		return nil, err
	}
	files := beforehand.Files{format: out.body}
	if format != "json" && format != "csv" {
		return files, nil
	}
	t, err := parseTable(format, out.body, r.Config.rows())
	if err != nil {
		if r.Config.Chart == "bars" || format == "csv" {
			return nil, err
		}
		return files, nil // JSON of any shape
	}
	return r.files(files, t)
}

// files adds what can be made of rows: JSON, from which CSV and HTML are made
// later, and a chart.
func (r *Report) files(files beforehand.Files, t *table) (beforehand.Files, error) {
	if files["json"] == nil {
		doc, err := t.json()
		if err != nil {
			return nil, err
		}
		files["json"] = doc
	}
	if r.Config.Chart != "bars" {
		return files, nil
	}
	svg, err := t.bars(cmp.Or(r.Config.Title, r.Config.Name))
	if err != nil {
		return nil, fmt.Errorf("chart: %w", err)
	}
	files["svg"] = svg
	return files, nil
}

// Job carries out a command or a request whose result nobody needs.
type Job struct {
	Source  Source
	Timeout time.Duration // zero means a minute
}

// Do carries it out.
func (j *Job) Do(ctx context.Context) error {
	r := Report{Config: Config{Source: j.Source}, Timeout: j.Timeout}
	_, err := r.output(ctx)
	return err
}
