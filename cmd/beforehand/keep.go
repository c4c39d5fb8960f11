package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/config"
	"github.com/beforehand-go/beforehand/internal/datadir"
	"github.com/beforehand-go/beforehand/internal/number"
	"github.com/beforehand-go/beforehand/pageview"
)

// keepFlags are the flags of a command that copies or deletes.
func keepFlags(usage string, v *placeFlags) *flagSet {
	f := newFlags(usage)
	f.StringVar(&v.data, "data", "data", "`directory` that holds everything")
	f.StringVar(&v.config, "config", "", "configuration `file` (default: "+config.FileName+" in the data directory, where there is one)")
	v.addEngines(f)
	return f
}

func runBackup(ctx context.Context, s stdio, args []string) error {
	var v placeFlags
	f := keepFlags("backup [flags] DIRECTORY\n\nCopies a data directory into a new one, as it is at one moment. A server may\nrun meanwhile. The key is not copied: keep a copy of it elsewhere.", &v)
	dir, err := parseDir(f, s, args)
	if err != nil {
		return err
	}
	n, err := withKeeper(ctx, v, "backup", url.Values{"dir": {dir}}, func(k *keeper) (int64, error) { return k.Backup(ctx, dir) })
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, datadir.StateFile)); err != nil {
		fmt.Fprintf(s.out, "the state is in PostgreSQL: back it up now, with pg_dump --schema=beforehand\n")
	}
	_, err = fmt.Fprintf(s.out, "backed up %s pageviews to %s\nthe key is not in it: keep %s apart, since nothing can be restored without it\n",
		number.Grouped(n), dir, cmp.Or(v.key, filepath.Join(v.data, datadir.KeyFile)))
	return err
}

func runExport(ctx context.Context, s stdio, args []string) error {
	var v placeFlags
	var format string
	f := keepFlags("export [flags] DIRECTORY\n\nWrites all pageviews and stays into files of a new directory. A server may run\nmeanwhile.", &v)
	f.StringVar(&format, "format", "parquet", "parquet or csv")
	dir, err := parseDir(f, s, args)
	if err != nil {
		return err
	}
	if format != "parquet" && format != "csv" {
		return usageError{fmt.Errorf("unknown format %q: use parquet or csv", format)}
	}
	query := url.Values{"dir": {dir}, "format": {format}}
	n, err := withKeeper(ctx, v, "export", query, func(k *keeper) (int64, error) { return k.Export(ctx, dir, format) })
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "exported %s pageviews to %s\n", number.Grouped(n), dir)
	return err
}

func runRestore(ctx context.Context, s stdio, args []string) error {
	var data, key string
	f := newFlags("restore [flags] BACKUP\n\nMakes a data directory of a backup.")
	f.StringVar(&data, "data", "data", "`directory` that holds everything")
	f.StringVar(&key, "key", "", "`file` with the key of the directory that was backed up (default: the one in the data directory)")
	from, err := parseDir(f, s, args)
	if err != nil {
		return err
	}
	n, err := restore(ctx, data, from, key)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "restored %s pageviews to %s\n", number.Grouped(n), data)
	return err
}

func runDelete(ctx context.Context, s stdio, args []string) error {
	var v placeFlags
	var site string
	var yes bool
	f := keepFlags("delete [flags]\n\nDeletes a site with everything that is kept of it. No server may run meanwhile.", &v)
	f.StringVar(&site, "site", "", "`name` of the site")
	f.BoolVar(&yes, "yes", false, "delete it; without this it is only told what would be deleted")
	if err := f.parse(s, args, 0); err != nil {
		return err
	}
	if site == "" {
		return usageError{errors.New("no site named: use --site")}
	}
	k, err := openKeeper(ctx, v, "delete")
	if err != nil {
		return err
	}
	err = k.delete(ctx, s, site, yes)
	return errors.Join(err, k.close())
}

// delete deletes a site, or tells what it would delete.
func (k *keeper) delete(ctx context.Context, s stdio, site string, yes bool) error {
	n, err := sizeOf(ctx, k.store, site)
	if err != nil {
		return err
	}
	if !yes {
		_, err := fmt.Fprintf(s.out, "site %s has %s pageviews, bots among them; with --yes they are deleted\n", site, number.Grouped(n))
		return err
	}
	dropped := k.store.Drop(ctx, site)
	if dropped != nil && !errors.Is(dropped, pageview.ErrNoSite) {
		return dropped
	}
	// Also where there is none: what an earlier attempt left is deleted.
	accounts := account.NewDesk(account.Config{Store: k.state.Accounts()})
	if err := accounts.RemoveSite(ctx, account.Actor{}, site); err != nil {
		return err
	}
	if err := deleteSite(ctx, k.store, k.state, accounts, site); err != nil {
		return err
	}
	if dropped != nil {
		return fmt.Errorf("there is no site %q", site)
	}
	_, err = fmt.Fprintf(s.out, "deleted site %s with %s pageviews\n", site, number.Grouped(n))
	return err
}

// parseDir reads the arguments of a command that names one directory, and gives
// its whole path.
func parseDir(f *flagSet, s stdio, args []string) (string, error) {
	if err := f.parse(s, args, 1); err != nil {
		return "", err
	}
	if f.NArg() == 0 {
		return "", usageError{errors.New("no directory named")}
	}
	return filepath.Abs(f.Arg(0))
}

// withKeeper has a copy made of a data directory, by this process or by the
// server that holds it.
func withKeeper(ctx context.Context, v placeFlags, command string, query url.Values, here func(*keeper) (int64, error)) (int64, error) {
	deadline := time.Now().Add(patience)
	for {
		k, err := openKeeper(ctx, v, command)
		if err == nil {
			n, err := here(k)
			return n, errors.Join(err, k.close())
		}
		var inUse *datadir.InUseError
		if !errors.As(err, &inUse) {
			return 0, err
		}
		if r, err := dialServer(ctx, appConfig{siteFlags: siteFlags{placeFlags: v}}); err == nil {
			defer r.client.CloseIdleConnections()
			m, err := r.post(ctx, "/"+command+"?"+query.Encode(), http.NoBody, func(collect.Progress) {})
			if err == nil && m.Error != "" {
				err = errors.New(m.Error)
			}
			return m.Copied, err
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return 0, fmt.Errorf("%w, which makes no copies: wait until it has ended, or stop it", err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}
