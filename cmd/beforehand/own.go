package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/chart"
	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/config"
	"github.com/beforehand-go/beforehand/database"
	"github.com/beforehand-go/beforehand/declared"
	"github.com/beforehand-go/beforehand/internal/datadir"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/server"
	"github.com/beforehand-go/beforehand/snapshot"
	"github.com/beforehand-go/beforehand/tables"
	"github.com/beforehand-go/beforehand/web"
)

// openDeclared adds everything that the configuration declares of sites.
func (a *app) openDeclared(ctx context.Context, file *config.File) error {
	if err := a.openDatabases(file); err != nil {
		return err
	}
	return errors.Join(a.openTables(ctx, file), a.openReports(file, ""), a.openJobs(ctx, file))
}

// openReports makes the reports that the sites declare; only one of them where
// it is named.
func (a *app) openReports(file *config.File, only string) error {
	for i, site := range file.Sites {
		for _, r := range site.AllReports() {
			if only != "" && r.Name != only {
				continue
			}
			when, err := a.trigger(a.sites[i].Site, cmp.Or(r.Trigger, site.Trigger, "every 1h"))
			if err != nil {
				return fmt.Errorf("report %s of site %s: %w", r.Name, site.Name, err)
			}
			made := ownReport(file, r, a.databases[r.Database])
			made.Fonts, made.Words = a.fonts, web.CountWords(file.Language)
			made.Site = declared.Site{Name: site.Name, Zone: a.sites[i].Zone, Store: a.store}
			policy := beforehand.Policy{
				Trigger: when, Definition: r.Definition() + site.Precedence().String() + file.Language.String(), Formats: r.Formats,
				Publish: file.Path(r.Publish), Rules: snapshot.Rules{Origins: []string{"*"}},
			}
			if r.OnPageviews() {
				policy.Timeout, policy.When = 30*time.Minute, made.Probe
				policy.Rules.Policies = map[string]string{"svg": chart.Policy()}
			}
			fresh := r.OnPageviews() && r.Trigger == ""
			if fresh {
				policy.Rules.MaxAge = a.sites[i].Fresh
			}
			own := beforehand.New(a.site, site.Name+"/"+r.Name, made.Make, policy)
			a.server.Add(site.Name, r.Name, own, fresh)
		}
	}
	return nil
}

func ownReport(file *config.File, r config.Report, db *database.DB) *declared.Report {
	c := r.Config
	c.Dir = file.Path(cmp.Or(c.Dir, "."))
	return &declared.Report{Config: c, DB: db, Timeout: time.Duration(r.Timeout)}
}

// openJobs adds the jobs that the sites declare.
func (a *app) openJobs(ctx context.Context, file *config.File) error {
	for i, site := range file.Sites {
		for _, j := range site.Jobs {
			when, err := a.trigger(a.sites[i].Site, j.Trigger)
			if err != nil {
				return fmt.Errorf("job %s of site %s: %w", j.Name, site.Name, err)
			}
			source := j.Source
			source.Dir = file.Path(cmp.Or(source.Dir, "."))
			job := &declared.Job{Source: source, Timeout: time.Duration(j.Timeout)}
			err = a.site.Scheduler().Add(ctx, scheduler.Job{
				Name: collect.JobName(collect.JobOwn, site.Name, j.Name), Trigger: when,
				Run: func(ctx context.Context, run *scheduler.Run) error { return job.Do(ctx, run.Logger()) },
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

const runUsage = `run [flags] REPORT

Computes a report of a site, and prints it. Where a server
runs on the data directory, it does so, and its readers have the result.`

func runRun(ctx context.Context, s stdio, args []string) error {
	c := appConfig{command: "run", log: slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	var format string
	f := newFlags(runUsage)
	c.add(f, "data")
	c.addEngines(f)
	f.StringVar(&format, "format", "json", "`format` to print, such as json, csv, html, md, svg or png")
	if err := f.parse(s, args, 1); err != nil {
		return err
	}
	if f.NArg() == 0 {
		return usageError{errors.New("no report named")}
	}
	c.unread = true
	if err := c.load(f); err != nil {
		return err
	}
	body, err := compute(ctx, c, f.Arg(0), format)
	if err != nil {
		return err
	}
	_, err = s.out.Write(body)
	return err
}

// compute has a report computed by the server that holds the directory, or here.
func compute(ctx context.Context, c appConfig, report, format string) (_ []byte, err error) {
	a, err := openApp(ctx, c)
	var inUse *datadir.InUseError
	if errors.As(err, &inUse) {
		remote, err := dialServer(ctx, c)
		if err != nil {
			return nil, fmt.Errorf("%w, which computes no reports: wait until it has ended, or stop it", inUse)
		}
		defer remote.client.CloseIdleConnections()
		return remote.compute(ctx, report, format)
	}
	if err != nil {
		return nil, err
	}
	if err := errors.Join(a.hasReport(c.site, report), a.openDatabases(a.file), a.openReports(a.file, report)); err != nil {
		return nil, errors.Join(err, a.close())
	}
	d := newDirect(ctx, a, c.site)
	d.begin()
	body, err := a.server.Compute(ctx, c.site, report, format)
	return body, errors.Join(err, d.close())
}

// hasReport refuses the name of a report that no site that is meant has.
func (a *app) hasReport(of, name string) error {
	names := []string{"pageviews", server.HotList}
	for _, site := range a.file.Sites {
		if of != "" && of != site.Name {
			continue
		}
		for _, l := range site.Lists {
			names = append(names, l.Name)
		}
		for _, r := range site.AllReports() {
			names = append(names, r.Name)
		}
	}
	if slices.Contains(names, name) {
		return nil
	}
	slices.Sort(names)
	return fmt.Errorf("there is no report %q: there are %s", name, strings.Join(slices.Compact(names), ", "))
}

func (r *remote) compute(ctx context.Context, report, format string) ([]byte, error) {
	query := url.Values{"site": {r.site}, "report": {report}, "format": {format}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://beforehand/run?"+query.Encode(), http.NoBody)
	if err != nil {
		return nil, err
	}
	res, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = errors.New(string(bytes.TrimSpace(body)))
	}
	return body, err
}

const checkUsage = `check-config [flags]

Reads the configuration and checks what it names: whether the databases can be
reached, whether their tables have the columns, whether the queries of reports
are queries and their commands there, and whether calendars and the font can be read. Nothing is carried out or written.`

func runCheckConfig(ctx context.Context, s stdio, args []string) error {
	c := appConfig{command: "check-config"}
	f := newFlags(checkUsage)
	c.add(f, "data")
	if err := f.parse(s, args, 0); err != nil {
		return err
	}
	if err := c.load(f); err != nil {
		return err
	}
	a := &app{databases: map[string]*database.DB{}}
	var errs []error
	if err := a.openDatabases(c.file); err != nil {
		return err
	}
	for _, site := range c.file.Sites {
		for _, t := range site.Tables {
			table := tables.Table{Config: t.Config, Site: &collect.Site{Name: site.Name}, DB: a.databases[t.Database]}
			errs = append(errs, table.Check(ctx))
		}
		for _, r := range site.Reports {
			errs = append(errs, checkReport(ctx, site.Name, ownReport(c.file, r, a.databases[r.Database])))
		}
		for _, j := range site.Jobs {
			if err := j.Ready(); err != nil {
				errs = append(errs, fmt.Errorf("job %s of site %s: %w", j.Name, site.Name, err))
			}
		}
		fmt.Fprintf(s.out, "site %s: %d hot lists, %d tables, %d reports, %d jobs of its own\n",
			site.Name, len(site.HotLists()), len(site.Tables), len(site.Reports), len(site.Jobs))
	}
	errs = append(errs, checkCalendars(s, c.file.CalendarFiles()), checkFont(s, c.file.Path(c.file.Font)), a.closeDatabases())
	return errors.Join(errs...)
}

// checkCalendars reads the files of calendars.
func checkCalendars(s stdio, files map[string]string) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(files)) {
		days, err := readDays(files[name])
		if err == nil {
			fmt.Fprintf(s.out, "calendar %s: %s\n", name, daysText(len(days)))
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// checkFont reads the font that the configuration names, or looks for one.
func checkFont(s stdio, path string) error {
	fonts, err := chart.OpenFonts(path)
	if err != nil {
		return err
	}
	if !fonts.Chinese() {
		fmt.Fprintln(s.out, "PNG pictures have no Chinese letters: install Noto Sans CJK, or name a font with the key font")
	}
	return fonts.Close()
}

func checkReport(ctx context.Context, site string, r *declared.Report) error {
	err := r.Config.Ready()
	if err == nil && r.DB != nil {
		err = r.Explain(ctx)
	}
	if err != nil {
		return fmt.Errorf("report %s of site %s: %w", r.Config.Name, site, err)
	}
	return nil
}
