package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

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
	when, err := a.trigger(file, site, cmp.Or(t.Trigger, "every 5m"))
	if err != nil {
		return err
	}
	table := &tables.Table{
		Config: t.Config, Site: site, DB: a.databases[t.Database],
		Store: a.store, Intake: a.server.Importer.Intake, Logger: a.log,
	}
	return a.site.Scheduler().Add(ctx, scheduler.Job{
		Name: table.Job(), Trigger: when, AtStart: true,
		Run: func(ctx context.Context, _ *scheduler.Run) error {
			_, err := table.Run(ctx)
			return err
		},
	})
}

// closeDatabases closes the databases of sites.
func (a *app) closeDatabases() error {
	var errs []error
	for _, db := range a.databases {
		errs = append(errs, db.Close())
	}
	return errors.Join(errs...)
}
