package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/duckdb"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/server"
	"github.com/beforehand-go/beforehand/snapshot"
	"github.com/beforehand-go/beforehand/sqlite"
	"github.com/beforehand-go/beforehand/trigger"
)

// appConfig is what a command wants of a data directory.
type appConfig struct {
	siteFlags
	command  string // named to other processes that want the directory
	articles string
	publish  string
	trigger  string // empty means every hour
	live     bool
	title    string // of the site, for people; empty means its name
	log      *slog.Logger
}

// app is a data directory with all that works on it.
type app struct {
	dir    *dataDir
	store  *duckdb.Store
	state  *sqlite.State
	site   *beforehand.Site
	server *server.Server
	zone   *time.Location
	salts  *sqlite.Salts
	log    *slog.Logger
}

// openApp opens a data directory, and makes what is not there. The flags were
// checked by the command that read them.
func openApp(ctx context.Context, c appConfig) (_ *app, err error) {
	a := &app{log: c.log}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
		}
	}()
	if a.dir, err = openDataDir(c.data, c.command); err != nil {
		return nil, err
	}
	key, err := a.dir.key()
	if err != nil {
		return nil, err
	}
	if a.store, err = duckdb.Open(ctx, duckdb.Config{Path: a.dir.file(pageviewsFile), Logger: c.log}); err != nil {
		return nil, err
	}
	if a.state, err = sqlite.Open(a.dir.file(stateFile)); err != nil {
		return nil, err
	}
	if err := a.openZone(ctx, c); err != nil {
		return nil, err
	}
	a.site, err = beforehand.Open(ctx, beforehand.Config{
		State: a.state, Logger: c.log, Publish: c.publish, Encoders: []snapshot.Encoder{brotliEncoder()},
		Scheduler: scheduler.Config{Exclusive: true}, // this process holds the directory
	})
	if err != nil {
		return nil, err
	}
	a.salts = a.state.Salts()
	visitors, err := collect.NewVisitors(a.salts, key)
	if err != nil {
		return nil, err
	}
	when, err := trigger.Parser{Zone: a.zone}.Parse(cmp.Or(c.trigger, "every 1h"))
	if err != nil {
		return nil, err
	}
	a.server = server.New(server.Config{
		Site: a.site, Store: a.store, Name: c.site, Zone: a.zone, Articles: c.articles, Trigger: when,
		Live: c.live, Title: c.title, Logger: c.log, Import: importHint(c.siteFlags), Metrics: metricsOf(a.site),
		Importer: &collect.Importer{Store: a.store, Key: key, Intake: &collect.Intake{Visitors: visitors, Agents: &collect.Agents{}}},
	})
	return a, nil
}

// openZone settles the zone of the site's days, which stays as it was first.
func (a *app) openZone(ctx context.Context, c appConfig) error {
	kept, err := a.store.Site(ctx, pageview.Site{Name: c.site, Zone: c.zoneName()})
	if err != nil {
		return err
	}
	if c.zone != "" && c.zone != kept.Zone {
		return fmt.Errorf("the days of site %q are counted in %s: a site's zone cannot be changed; leave --zone out, or use another --site or --data", c.site, kept.Zone)
	}
	a.zone, err = time.LoadLocation(kept.Zone)
	return err
}

// close lets go of everything, in the reverse order.
func (a *app) close() error {
	var errs []error
	if a.state != nil {
		errs = append(errs, a.state.Close())
	}
	if a.store != nil {
		errs = append(errs, a.store.Close())
	}
	if a.dir != nil {
		errs = append(errs, a.dir.close())
	}
	return errors.Join(errs...)
}

// importHint is the command that a page without pageviews suggests.
func importHint(f siteFlags) string {
	hint := "beforehand import --data " + f.data
	if f.site != "default" {
		hint += " --site " + f.site
	}
	return hint + " access.log"
}

// brotliEncoder makes the smallest bytes a browser takes, once for each change.
func brotliEncoder() snapshot.Encoder {
	return snapshot.Encoder{Name: "br", Encode: func(body []byte) ([]byte, error) {
		var b bytes.Buffer
		w := brotli.NewWriterLevel(&b, brotli.BestCompression)
		if _, err := w.Write(body); err != nil {
			return nil, err
		}
		err := w.Close()
		return b.Bytes(), err
	}}
}

// saltLife is how long a salt is kept after its last use.
const saltLife = 48 * time.Hour

// keepSalts deletes salts that were not used for a while, until ctx ends.
func (a *app) keepSalts(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := a.salts.Delete(ctx, time.Now().Add(-saltLife)); err != nil && ctx.Err() == nil {
			a.log.Error("delete old salts", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
