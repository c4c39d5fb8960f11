package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/bits"
	"strings"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/account/argon"
	"github.com/beforehand-go/beforehand/calendar"
	"github.com/beforehand-go/beforehand/chart"
	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/config"
	"github.com/beforehand-go/beforehand/country"
	"github.com/beforehand-go/beforehand/courier"
	"github.com/beforehand-go/beforehand/database"
	"github.com/beforehand-go/beforehand/duckdb"
	"github.com/beforehand-go/beforehand/exports"
	"github.com/beforehand-go/beforehand/internal/datadir"
	"github.com/beforehand-go/beforehand/listen"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/postgres"
	"github.com/beforehand-go/beforehand/receive"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/server"
	"github.com/beforehand-go/beforehand/snapshot"
	"github.com/beforehand-go/beforehand/token"
	"github.com/beforehand-go/beforehand/trigger"
)

// appConfig is what a command wants of a data directory.
type appConfig struct {
	siteFlags
	command string      // named to other processes that want the directory
	single  config.Site // what flags say of the only site, where the file has none
	alone   bool        // the file has no sites
	publish string
	ways    config.File // what flags say of the ways in, for the whole server
	live    bool
	log     *slog.Logger
	file    *config.File // read by load; has at least one site
	kept    engines      // as flags, environment and file say
	threads int          // of one question to DuckDB; zero means one a core
	unread  bool         // nobody reads from this process
}

// app is a data directory with all that works on it.
type app struct {
	config       appConfig
	file         *config.File // what the configuration says, and the sites that were added
	dir          *datadir.Dir
	key          collect.Key
	store        pageviewStore
	state        stateStore
	site         *beforehand.Site
	server       *server.Server
	accounts     *account.Desk
	tokens       *token.Guard
	calendars    *calendar.Book
	intake       *collect.Intake
	receiver     *receive.Receiver
	added        map[string]int64 // versions of the sites that were added
	leaving      []string         // sites that are being deleted
	generations  *generations
	sites        []server.Site
	databases    map[string]*database.DB // of sites, by name
	salts        collect.KeptSalts
	lands        *country.File // nil means the table in the program
	fonts        *chart.Fonts
	courier      *courier.Courier    // nil where nobody is told anything
	certificates listen.Certificates // nil where readers come by http
	poll         time.Duration       // how often results of other processes are looked for; zero means as usual
	space        func(path string) (free, total uint64, err error)
	log          *slog.Logger
}

// openApp opens a data directory, and makes what is not there. The flags were
// checked by the command that read them.
func openApp(ctx context.Context, c appConfig) (_ *app, err error) {
	a := &app{log: c.log, databases: map[string]*database.DB{}, space: diskSpace}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
		}
	}()
	if a.dir, err = datadir.Open(c.data, c.command); err != nil {
		return nil, err
	}
	key, err := c.kept.readKey(a.dir)
	if err != nil {
		return nil, err
	}
	if a.state, err = c.kept.openSealed(ctx, a.dir, key); err != nil {
		return nil, err
	}
	if a.store, err = c.kept.openPageviews(ctx, a.dir, a.state, duckdb.Config{Logger: c.log, Threads: c.threads}); err != nil {
		return nil, err
	}
	if shared, ok := a.state.(*postgres.State); ok && shared.Polled() {
		a.log.Warn("notifications of PostgreSQL do not arrive: what other replicas write is asked for each second",
			"hint", "a pooler in transaction mode lets none through; one in session mode does")
	}
	return a, a.assemble(ctx, c, key)
}

// assemble makes all that works on a data directory, its store and its state.
func (a *app) assemble(ctx context.Context, c appConfig, key collect.Key) (err error) {
	a.config, a.key = c, key
	if err := a.openCalendars(ctx, c.file); err != nil {
		return err
	}
	a.salts = a.state.Salts()
	visitors, err := collect.NewVisitors(a.salts, key)
	if err != nil {
		return err
	}
	a.intake = &collect.Intake{Visitors: visitors, Agents: &collect.Agents{}}
	if err := a.openPlaces(c, a.intake); err != nil {
		return err
	}
	if a.fonts, err = chart.OpenFonts(c.file.Path(c.file.Font)); err != nil {
		return err
	}
	a.accounts = account.NewDesk(account.Config{
		Store: a.state.Accounts(), Hasher: argon.New(argon.Default()), Key: account.Key(key),
	})
	a.tokens = token.NewGuard(a.state.Tokens())
	a.generations = &generations{}
	return a.build(ctx)
}

// build makes the reports of the sites as they are now, and what serves them.
func (a *app) build(ctx context.Context) (err error) {
	if err := a.findSites(ctx); err != nil {
		return err
	}
	c := a.config
	if err := a.openSites(ctx, a.file); err != nil {
		return err
	}
	triggers := trigger.Parser{Calendar: a.calendars.Find}
	a.site, err = beforehand.Open(ctx, beforehand.Config{
		State: a.state, Logger: c.log, Poll: a.poll, Publish: cmp.Or(c.publish, c.file.Path(c.file.Publish)), Encoders: []snapshot.Encoder{brotliEncoder()},
		// This process holds the directory.
		Scheduler: scheduler.Config{Exclusive: !c.kept.shared(), Parse: triggers.Parse, MaxRuns: a.runsAtOnce()},
	})
	if err != nil {
		return err
	}
	if a.receiver != nil { // that of the generation before
		a.receiver = a.receiver.For(a.collected())
	} else if a.receiver, err = receive.New(c.receiver(a)); err != nil {
		return err
	}
	a.server = server.New(server.Config{
		Reports: a.site, Store: a.store, Sites: a.sites, Live: c.live, Unread: c.unread, Language: c.file.Language, Triggers: triggers, Logger: c.log, Metrics: a.serveMetrics(),
		Tokens: a.tokens, TokenStore: a.state.Tokens(), Accounts: a.accounts, Proxies: c.proxies(), TrustMachine: c.file.TrustMachine, Fonts: a.fonts,
		Importer: &collect.Importer{Store: a.store, Key: a.key, Intake: a.intake}, Receiver: a.receiver,
		Exports: &exports.Importer{Store: a.store, Intake: a.intake, Dir: a.dir.Path},
		Keeper:  &keeper{a.dir, a.key, a.store, a.state}, Renewed: a.salts.Renewed, Book: a.generations, URL: strings.TrimSuffix(string(c.file.URL), "/"), Outbox: a.state.Outbox(),
	})
	return nil
}

// openSites makes the sites known to the store, which settles their zones: a
// site's zone stays as it was first.
func (a *app) openSites(ctx context.Context, file *config.File) error {
	a.sites = nil
	for _, v := range file.Sites {
		kept, err := a.store.Site(ctx, pageview.Site{
			Name: v.Name, Zone: cmp.Or(string(v.Zone), machineZone()), Precedence: v.Precedence(), Rate: pageview.Rate(v.Rate),
		})
		if err != nil {
			return err
		}
		if v.Zone != "" && string(v.Zone) != kept.Zone && a.written(v.Name) {
			return fmt.Errorf("the days of site %q are counted in %s: a site's zone cannot be changed; leave it out, or use another site or --data", v.Name, kept.Zone)
		}
		site := v.Collect()
		if site.Zone, err = time.LoadLocation(kept.Zone); err != nil {
			return err
		}
		when, err := a.trigger(site, cmp.Or(v.Trigger, "every 1h"))
		if err != nil {
			return fmt.Errorf("trigger of site %q: %w", v.Name, err)
		}
		one := server.Site{
			Site: site, Title: v.Title, Articles: v.Articles, Trigger: when, Import: a.importHint(v.Name),
			PublicStats: v.PublicStats, Fresh: v.FreshFor(), Written: a.written(v.Name),
		}
		for _, origin := range v.Frames {
			one.Frames = append(one.Frames, string(origin))
		}
		if err := a.addLists(file, &v, &one); err != nil {
			return err
		}
		a.sites = append(a.sites, one)
	}
	return nil
}

// trigger reads the text of a trigger by the clock of a site.
func (a *app) trigger(site *collect.Site, text config.Trigger) (trigger.Trigger, error) {
	p := trigger.Parser{Zone: site.Zone, Calendar: a.calendars.Find}
	return p.Parse(string(text))
}

// named is the site of that name, or the only one where none is named.
func (a *app) named(name string) (*collect.Site, error) {
	if name == "" && len(a.sites) == 1 {
		return a.sites[0].Site, nil
	}
	var names []string
	for _, s := range a.sites {
		if s.Name == name {
			return s.Site, nil
		}
		names = append(names, s.Name)
	}
	if name == "" {
		return nil, fmt.Errorf("name one of the sites with --site: %s", strings.Join(names, ", "))
	}
	return nil, fmt.Errorf("there is no site %q; the configuration has %s", name, strings.Join(names, ", "))
}

// close lets go of everything, in the reverse order.
func (a *app) close() error {
	errs := []error{a.closeDatabases()}
	if a.courier != nil {
		a.courier.Close()
	}
	if a.fonts != nil {
		errs = append(errs, a.fonts.Close())
	}
	if a.lands != nil {
		errs = append(errs, a.lands.Close())
	}
	if a.store != nil { // which may yet ask the state
		errs = append(errs, a.store.Close())
	}
	if a.state != nil {
		errs = append(errs, a.state.Close())
	}
	if a.dir != nil {
		errs = append(errs, a.dir.Close())
	}
	return errors.Join(errs...)
}

// importHint is the command that a page without pageviews suggests.
func (a *app) importHint(site string) string {
	hint := "beforehand import --data " + a.config.data
	if len(a.file.Sites) > 1 || a.config.site != "" {
		hint += " --site " + site
	}
	return hint + " access.log"
}

// brotliEncoder makes the smallest bytes a browser takes, once for each change.
func brotliEncoder() snapshot.Encoder {
	return snapshot.Encoder{Name: "br", Encode: func(body []byte) ([]byte, error) {
		var b bytes.Buffer
		w := brotli.NewWriterOptions(&b, brotli.WriterOptions{Quality: brotli.BestCompression, LGWin: brotliWindow(len(body))})
		if _, err := w.Write(body); err != nil {
			return nil, err
		}
		err := w.Close()
		return b.Bytes(), err
	}}
}

// brotliWindow is the smallest window, as a power of two, that holds a body. A
// larger one makes no fewer bytes, and takes 32 MB to be made ready.
func brotliWindow(n int) int {
	const gap, least, most = 16, 10, 22
	return min(max(bits.Len(uint(n+gap)), least), most)
}

// keepAccounts deletes what has ended of sessions and links, until ctx ends.
func (a *app) keepAccounts(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := a.accounts.Purge(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("delete ended sessions", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// keepSalts deletes old salts of visitors, until ctx ends.
func (a *app) keepSalts(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := a.salts.Delete(ctx, time.Now()); err != nil && ctx.Err() == nil {
			a.log.Error("delete old salts", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
