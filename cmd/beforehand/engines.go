package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/calendar"
	"github.com/beforehand-go/beforehand/clickhouse"
	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/config"
	"github.com/beforehand-go/beforehand/duckdb"
	"github.com/beforehand-go/beforehand/internal/datadir"
	"github.com/beforehand-go/beforehand/move"
	"github.com/beforehand-go/beforehand/outbox"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/postgres"
	"github.com/beforehand-go/beforehand/sqlite"
	"github.com/beforehand-go/beforehand/token"
)

// pageviewStore is what the program wants of an engine of pageviews. One whose
// pageviews lie in a file has Backup as well.
type pageviewStore interface {
	pageview.Store
	Sources(ctx context.Context, site string, from, to pageview.Day) ([]pageview.SourceDay, error)
	Totals(ctx context.Context) (pageview.Totals, error)
	Recount(ctx context.Context, site string, repair bool) ([]pageview.Wrong, error)
	Retain(ctx context.Context, site string, before pageview.Day) (int64, error)
	Drop(ctx context.Context, site string) error
	Export(ctx context.Context, dir, format string) (pageview.Totals, error)
}

// stateStore is what the program wants of an engine of state. One whose state
// lies in a file has Backup as well.
type stateStore interface {
	beforehand.State
	Salts() collect.KeptSalts
	Tokens() token.Store
	Accounts() account.Store
	Calendars() calendar.Store
	Outbox() outbox.Store
	Forget(ctx context.Context, site string) error
	Close() error
}

var (
	_ pageviewStore = (*duckdb.Store)(nil)
	_ pageviewStore = (*clickhouse.Store)(nil)
	_ move.Source   = (*duckdb.Store)(nil)
	_ move.Source   = (*clickhouse.Store)(nil)
	_ stateStore    = (*sqlite.State)(nil)
	_ stateStore    = (*postgres.State)(nil)
)

// placeFlags say where everything is kept.
type placeFlags struct {
	data, config          string
	state, pageviews, key string
}

// addEngines adds the flags of a command that works with either engine.
func (v *placeFlags) addEngines(f *flagSet) {
	f.StringVar(&v.state, "state", "", "`URL` of the PostgreSQL that keeps the state, such as postgres://USER:PASSWORD@HOST/NAME (default: SQLite in the data directory)")
	f.StringVar(&v.pageviews, "pageviews", "", "`URL` of the ClickHouse that keeps the pageviews, such as clickhouse://USER:PASSWORD@HOST:9000/NAME (default: DuckDB in the data directory)")
	f.StringVar(&v.key, "key", "", "`file` of the secret that seals the salts, the same for all replicas (default: the one in the data directory)")
}

// readFile reads the configuration file. Without one it is empty.
func (v *placeFlags) readFile() (*config.File, error) {
	file, err := config.Load(v.configPath())
	if v.config == "" && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)) {
		return &config.File{}, nil
	}
	return file, err
}

func (v *placeFlags) configPath() string {
	return cmp.Or(v.config, filepath.Join(v.data, config.FileName))
}

// engines says which engines keep what: flags, which the environment
// may give, go before the file.
func (v *placeFlags) engines(file *config.File) (e engines, err error) {
	state, err := file.State.Expand()
	if err != nil {
		return e, fmt.Errorf("state: %w", err)
	}
	pageviews, err := file.Pageviews.Expand()
	if err != nil {
		return e, fmt.Errorf("pageviews: %w", err)
	}
	said := placeFlags{
		state:     cmp.Or(v.state, state),
		pageviews: cmp.Or(v.pageviews, pageviews),
		key:       cmp.Or(v.key, file.Path(file.Key)),
	}
	return said.checked()
}

// checked is the engines that the flags name, where they can be.
func (v *placeFlags) checked() (engines, error) {
	e := engines{state: v.state, pageviews: v.pageviews, key: v.key}
	// The URLs hold passwords, so errors show no more than the beginning.
	if scheme, _, _ := strings.Cut(e.state, ":"); e.state != "" && scheme != "postgres" && scheme != "postgresql" {
		return engines{}, errors.New("state: use a URL such as postgres://USER:PASSWORD@HOST/NAME, or nothing for SQLite in the data directory")
	}
	if e.pageviews != "" {
		if _, err := clickhouseConfig(e.pageviews); err != nil {
			return engines{}, err
		}
	}
	return e, nil
}

// engines says which engines keep what.
type engines struct {
	state     string // URL; empty means SQLite in the data directory
	pageviews string // URL; empty means DuckDB in the data directory
	key       string // file of the secret; empty means the one in the data directory
}

// shared tells whether other processes may work on the same state.
func (e engines) shared() bool { return e.state != "" }

// readKey reads the secret that seals the salts.
func (e engines) readKey(dir *datadir.Dir) (collect.Key, error) {
	if e.key == "" {
		key, err := dir.Key()
		return key, err
	}
	key, err := datadir.ReadKey(e.key)
	return key, err
}

// openPageviews opens the pageviews that belong to a data directory. The state is
// where processes agree; nil where no other one takes pageviews in.
func (e engines) openPageviews(ctx context.Context, dir *datadir.Dir, state stateStore, c duckdb.Config) (pageviewStore, error) {
	if e.pageviews != "" {
		there, err := clickhouseConfig(e.pageviews)
		if err != nil {
			return nil, err
		}
		there.Spool, there.Logger = dir.File(datadir.SpoolFile), c.Logger
		if shared, ok := state.(*postgres.State); ok {
			there.Claim = shared.Claim
		}
		store, err := clickhouse.Open(ctx, there)
		if err != nil {
			return nil, err // and no store that is nil
		}
		return store, nil
	}
	c.Path = dir.File(datadir.PageviewsFile)
	store, err := duckdb.Open(ctx, c)
	if err != nil {
		return nil, err // and no store that is nil
	}
	return store, nil
}

// clickhouseConfig reads the URL of a ClickHouse. Some of its parameters are
// ours: cluster, quorum, and spool, which is a number of bytes.
func clickhouseConfig(text string) (c clickhouse.Config, err error) {
	// The URL holds a password, so errors do not show it.
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "clickhouse" || u.Host == "" {
		return c, errors.New("pageviews: use a URL such as clickhouse://USER:PASSWORD@HOST:9000/NAME, or nothing for DuckDB in the data directory")
	}
	q := u.Query()
	c.Cluster = q.Get("cluster")
	if text := q.Get("quorum"); text != "" {
		if c.Quorum, err = strconv.Atoi(text); err != nil || c.Quorum < 1 {
			return c, fmt.Errorf("pageviews: quorum=%s: use the number of servers that must have a pageview, from 1", text)
		}
	}
	if text := q.Get("spool"); text != "" {
		if c.SpoolBytes, err = strconv.ParseInt(text, 10, 64); err != nil || c.SpoolBytes < 1<<20 {
			return c, fmt.Errorf("pageviews: spool=%s: use how many bytes of the disk pageviews may wait in, at least 1048576", text)
		}
	}
	for _, name := range []string{"cluster", "quorum", "spool"} {
		q.Del(name)
	}
	u.RawQuery = q.Encode()
	c.URL = u.String()
	return c, nil
}

// openState opens the state that belongs to a data directory.
func (e engines) openState(ctx context.Context, data string) (stateStore, error) {
	if e.state == "" {
		state, err := sqlite.Open(filepath.Join(data, datadir.StateFile))
		if err != nil {
			return nil, err // and no state that is nil
		}
		return state, nil
	}
	state, err := postgres.Open(ctx, e.state)
	if err != nil {
		return nil, err
	}
	return state, nil
}

// openSealed opens the state whose salts are sealed under a key. State that
// replicas share is refused to one that does not fit in with the others.
func (e engines) openSealed(ctx context.Context, dir *datadir.Dir, key collect.Key) (stateStore, error) {
	state, err := e.openState(ctx, dir.Path)
	if err != nil {
		return nil, err
	}
	if shared, ok := state.(*postgres.State); ok {
		if err := e.fits(ctx, shared, dir, key); err != nil {
			return nil, errors.Join(err, state.Close())
		}
	}
	return state, nil
}

// fits tells why a replica with this directory and key cannot work on a state.
func (e engines) fits(ctx context.Context, state *postgres.State, dir *datadir.Dir, key collect.Key) error {
	own := keyPrint(key)
	kept, err := state.Fact(ctx, "key", own)
	if err != nil {
		return err
	}
	if kept != own {
		return fmt.Errorf("the state in PostgreSQL was made under another key: give every replica the same one, as %s or by --key", dir.File(datadir.KeyFile))
	}
	if own, err = e.pageviewsFact(dir); err != nil {
		return err
	}
	if kept, err = state.Fact(ctx, "pageviews", own); err != nil || kept == own {
		return err
	}
	return fmt.Errorf("the state in PostgreSQL belongs to pageviews in %s, and this data directory is for %s: DuckDB serves one replica only, "+
		"and beforehand move takes pageviews to another engine; if those are gone for good, DELETE FROM beforehand.facts WHERE name = 'pageviews'", kept, own)
}

// pageviewsFact is what all replicas must agree on about the pageviews.
func (e engines) pageviewsFact(dir *datadir.Dir) (string, error) {
	if e.pageviews != "" {
		return "ClickHouse", nil
	}
	id, err := dir.ID()
	return "DuckDB in data directory " + id, err
}
