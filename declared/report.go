package declared

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/chart"
	"github.com/beforehand-go/beforehand/database"
)

// Report makes the result of a declared report.
type Report struct {
	Config  Config
	DB      *database.DB  // of a query
	Site    Site          // of a report on its pageviews
	Fonts   *chart.Fonts  // write the text of PNG; nil means those of the program
	Words   *Words        // of pictures; nil means English
	Timeout time.Duration // of a command or a request; zero means a minute
	Logger  *slog.Logger  // nil means that of the run

	told bool // what a command writes is logged, not only what it complains of
}

func (r *Report) log(ctx context.Context) *slog.Logger {
	return cmp.Or(r.Logger, beforehand.Logger(ctx))
}

// Make makes the result: each format that came or could be made of it.
func (r *Report) Make(ctx context.Context) (beforehand.Files, error) {
	if len(r.Config.By) > 0 {
		return r.count(ctx)
	}
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
		if r.Config.kind() != "table" || format == "csv" {
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
	kind := r.Config.kind()
	if kind == "table" {
		return files, nil
	}
	f, err := t.figure(r.Config.title())
	if err != nil {
		return nil, err
	}
	f.words = r.words()
	return files, r.draw(files, kind, f)
}

// count makes the result of a report on the site's pageviews.
func (r *Report) count(ctx context.Context) (beforehand.Files, error) {
	a, err := r.ask(ctx)
	if err != nil {
		return nil, err
	}
	files := beforehand.Files{"json": a.JSON(), "csv": a.CSV()}
	if kind := r.Config.kind(); kind != "table" {
		err = r.draw(files, kind, r.Config.counted(a, time.Now(), r.words()))
	}
	return files, err
}

// Job carries out a command or a request whose result nobody needs.
type Job struct {
	Source  Source
	Timeout time.Duration // zero means a minute
}

// Do carries it out, and logs what it writes.
func (j *Job) Do(ctx context.Context, log *slog.Logger) error {
	r := Report{Config: Config{Source: j.Source}, Timeout: j.Timeout, Logger: log, told: true}
	_, err := r.output(ctx)
	return err
}
