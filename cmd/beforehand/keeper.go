package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/beforehand-go/beforehand/clickhouse"
	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/config"
	"github.com/beforehand-go/beforehand/duckdb"
	"github.com/beforehand-go/beforehand/internal/datadir"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/server"
	"github.com/beforehand-go/beforehand/sqlite"
)

var _ server.Keeper = (*keeper)(nil)

// keeper copies what a data directory holds.
type keeper struct {
	dir   *datadir.Dir
	key   collect.Key
	store pageviewStore
	state stateStore
}

// openKeeper opens a data directory that is there already.
func openKeeper(ctx context.Context, v placeFlags, command string) (_ *keeper, err error) {
	file, err := v.readFile()
	if err != nil {
		return nil, err
	}
	kept, err := v.engines(file)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(v.data, datadir.PageviewsFile)); kept.pageviews == "" && err != nil {
		return nil, fmt.Errorf("there are no pageviews in %s; name the data directory with --data: %w", v.data, err)
	}
	k := &keeper{}
	defer func() {
		if err != nil {
			err = errors.Join(err, k.close())
		}
	}()
	if k.dir, err = datadir.Open(v.data, command); err != nil {
		return nil, err
	}
	if k.key, err = kept.readKey(k.dir); err != nil {
		return nil, err
	}
	if k.state, err = kept.openSealed(ctx, k.dir, k.key); err != nil {
		return nil, err
	}
	k.store, err = kept.openPageviews(ctx, k.dir, k.state, duckdb.Config{})
	return k, err
}

func (k *keeper) close() error {
	var errs []error
	if k.store != nil {
		errs = append(errs, k.store.Close())
	}
	if k.state != nil {
		errs = append(errs, k.state.Close())
	}
	if k.dir != nil {
		errs = append(errs, k.dir.Close())
	}
	return errors.Join(errs...)
}

// backupFile names the file of a backup that tells what the backup is.
const backupFile = "backup.json"

// backup is what a backup says of itself.
type backup struct {
	MadeAt time.Time `json:"made_at"`
	pageview.Totals
	Key string `json:"key"` // print of the key that it needs, which is not in it

	// StateElsewhere tells that the state is in a database server, which is
	// backed up by its own means.
	StateElsewhere bool `json:"state_elsewhere,omitzero"`
}

// keyPrint is what a backup knows its key by.
func keyPrint(key collect.Key) string {
	m := hmac.New(sha256.New, key[:])
	m.Write([]byte("backup"))
	return hex.EncodeToString(m.Sum(nil)[:8])
}

// Backup implements server.Keeper. Pageviews are copied first, so that the salt
// of each is in the state that is copied then.
func (k *keeper) Backup(ctx context.Context, dir string) (pageviews int64, err error) {
	store, inFile := k.store.(interface {
		Backup(ctx context.Context, path string) (pageview.Totals, error)
	})
	if !inFile {
		return 0, errors.New("what lies in a database server is backed up by its own means: see docs/scaling.md")
	}
	if err := makeEmpty(dir); err != nil {
		return 0, err
	}
	b := backup{MadeAt: time.Now().UTC().Truncate(time.Second), Key: keyPrint(k.key)}
	if b.Totals, err = store.Backup(ctx, filepath.Join(dir, datadir.PageviewsFile)); err != nil {
		return 0, err
	}
	if state, ok := k.state.(interface {
		Backup(ctx context.Context, path string) error
	}); !ok {
		// The state knows the directory that it belongs to.
		b.StateElsewhere = true
		if err := copyFile(k.dir.File(datadir.IDFile), filepath.Join(dir, datadir.IDFile)); err != nil {
			return 0, err
		}
	} else if err := state.Backup(ctx, filepath.Join(dir, datadir.StateFile)); err != nil {
		return 0, err
	}
	err = copyFile(k.dir.File(config.FileName), filepath.Join(dir, config.FileName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return 0, err
	}
	// What says that a backup is one comes last.
	return b.Pageviews, datadir.Write(filepath.Join(dir, backupFile), string(text)+"\n")
}

// Export implements server.Keeper.
func (k *keeper) Export(ctx context.Context, dir, format string) (pageviews int64, err error) {
	if err := makeEmpty(dir); err != nil {
		return 0, err
	}
	if _, remote := k.store.(*clickhouse.Store); remote && format == "parquet" {
		t, err := k.store.Export(ctx, dir, "csv")
		if err == nil {
			err = duckdb.Parquet(ctx, dir)
		}
		return t.Pageviews, err
	}
	t, err := k.store.Export(ctx, dir, format)
	return t.Pageviews, err
}

// makeEmpty makes a directory, unless it is there and empty.
func makeEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return os.MkdirAll(dir, 0o700)
	case err != nil:
		return err
	case len(entries) > 0:
		return fmt.Errorf("%s is not empty: name a directory that is, or that is not there", dir)
	}
	return nil
}

// copyFile copies a file to a new one, which only its owner can read, and has
// it on disk when it returns.
func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(to)
		}
	}()
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// restore makes a data directory of a backup. The key is the one that lies in
// the directory already, or is copied there from a file.
func restore(ctx context.Context, data, from, keyFrom string) (pageviews int64, err error) {
	text, err := os.ReadFile(filepath.Join(from, backupFile))
	if err != nil {
		return 0, fmt.Errorf("%s is not a whole backup: %w", from, err)
	}
	var b backup
	if err := json.Unmarshal(text, &b); err != nil {
		return 0, fmt.Errorf("read %s: %w", filepath.Join(from, backupFile), err)
	}
	dir, err := datadir.Open(data, "restore")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	names := []string{config.FileName, datadir.StateFile, datadir.PageviewsFile}
	if b.StateElsewhere {
		names = []string{config.FileName, datadir.IDFile, datadir.PageviewsFile}
	}
	for _, name := range append([]string{datadir.WaitingFile}, names...) {
		if _, err := os.Lstat(dir.File(name)); err == nil {
			return 0, fmt.Errorf("%s is there already: restore into a directory without data", dir.File(name))
		}
	}
	if err := restoreKey(dir, b, keyFrom); err != nil {
		return 0, err
	}
	defer func() {
		for _, name := range names {
			if err != nil {
				os.Remove(dir.File(name))
			}
		}
	}()
	for _, name := range names {
		err := copyFile(filepath.Join(from, name), dir.File(name))
		if err != nil && (name != config.FileName || !errors.Is(err, fs.ErrNotExist)) {
			return 0, err
		}
	}
	return b.Pageviews, checkRestored(ctx, dir, b)
}

// restoreKey puts the key in place, and refuses another one than the backup
// was made under.
func restoreKey(dir *datadir.Dir, b backup, from string) error {
	if from != "" {
		if err := copyFile(from, dir.File(datadir.KeyFile)); err != nil {
			return err
		}
	} else if _, err := os.Stat(dir.File(datadir.KeyFile)); err != nil {
		return fmt.Errorf("a backup is without its key: name the file with --key: %w", err)
	}
	key, err := dir.Key()
	if err == nil && keyPrint(key) != b.Key {
		err = errors.New("the key is not the one of the directory that was backed up")
	}
	if err != nil && from != "" {
		os.Remove(dir.File(datadir.KeyFile))
	}
	return err
}

// checkRestored opens what was restored and compares its totals.
func checkRestored(ctx context.Context, dir *datadir.Dir, b backup) (err error) {
	store, err := duckdb.Open(ctx, duckdb.Config{Path: dir.File(datadir.PageviewsFile)})
	if err != nil {
		return err
	}
	got, err := store.Totals(ctx)
	if err := errors.Join(err, store.Close()); err != nil {
		return err
	}
	if got != b.Totals {
		return fmt.Errorf("the backup is damaged: it has %+v, and says %+v", got, b.Totals)
	}
	if b.StateElsewhere {
		return nil
	}
	state, err := sqlite.Open(dir.File(datadir.StateFile))
	if err != nil {
		return err
	}
	return state.Close()
}
