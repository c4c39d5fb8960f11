package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/config"
	"github.com/beforehand-go/beforehand/database"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/tables"
)

// openDatabases opens the databases of sites.
func (a *app) openDatabases(file *config.File) error {
	for name := range file.Databases {
		where, err := file.Database(name)
		if err != nil {
			return err
		}
		if a.databases[name] != nil {
			continue // of the generation before
		}
		db, err := database.Open(where)
		if err != nil {
			return fmt.Errorf("database %s: %w", name, err)
		}
		a.databases[name] = db
	}
	return nil
}

// openTables adds a job for each table of a site that pageviews are read from.
func (a *app) openTables(ctx context.Context, file *config.File) error {
	for i, site := range file.Sites {
		for _, t := range site.Tables {
			if err := a.addTable(ctx, file, a.sites[i].Site, t); err != nil {
				return fmt.Errorf("table %s of site %s: %w", t.Name, site.Name, err)
			}
		}
	}
	return nil
}

func (a *app) addTable(ctx context.Context, file *config.File, site *collect.Site, t config.Table) error {
	when, err := a.trigger(site, cmp.Or(t.Trigger, "every 5m"))
	if err != nil {
		return err
	}
	table := &tables.Table{
		Config: t.Config, Site: site, DB: a.databases[t.Database],
		Store: a.store, Intake: a.server.Importer.Intake,
	}
	return a.site.Scheduler().Add(ctx, scheduler.Job{
		Name: table.Job(), Trigger: when, AtStart: true,
		Run: func(ctx context.Context, run *scheduler.Run) error {
			one := *table
			one.Logger, one.Progress = run.Logger(), run.Progress
			sum, err := one.Run(ctx)
			logSummary(run.Logger(), sum)
			return err
		},
	})
}

// logSummary logs what was read, if anything was.
func logSummary(log *slog.Logger, sum collect.Summary) {
	if sum.Lines == 0 {
		return
	}
	attrs := []any{"rows", sum.Lines, "pageviews", sum.Pageviews}
	for _, reason := range slices.Sorted(maps.Keys(sum.LeftOut)) {
		attrs = append(attrs, "left_out_"+reason, sum.LeftOut[reason])
	}
	log.Info("rows read", attrs...)
	for _, b := range sum.BrokenLines {
		log.Info("row left out", "row", b.Line, "why", b.Why)
	}
}

// closeDatabases closes the databases of sites.
func (a *app) closeDatabases() error {
	var errs []error
	for _, db := range a.databases {
		errs = append(errs, db.Close())
	}
	return errors.Join(errs...)
}
