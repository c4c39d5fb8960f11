package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/beforehand-go/beforehand/collect"
)

// Names of what lies in a data directory.
const (
	lockFile      = "lock"             // held while a process uses the directory
	keyFile       = "key"              // the secret of the directory
	pageviewsFile = "pageviews.duckdb" // pageviews
	stateFile     = "state.db"         // jobs, ticks, snapshots, salts
	socketFile    = "beforehand.sock"  // where a running server takes imports
)

// inUseError tells which process holds a data directory.
type inUseError struct {
	path, holder string
}

func (e *inUseError) Error() string {
	return fmt.Sprintf("data directory %s is in use by %s", e.path, e.holder)
}

// dataDir is a data directory that this process holds.
type dataDir struct {
	path string
	lock *os.File
}

// openDataDir makes the directory where it is not there, and holds it until
// close. who is named to other processes that want it. A directory that
// another process holds gives an inUseError.
func openDataDir(path, who string) (*dataDir, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(path, 0o700); err != nil {
			return nil, fmt.Errorf("make data directory: %w", err)
		}
	case err != nil:
		return nil, fmt.Errorf("open data directory: %w", err)
	case !info.IsDir():
		return nil, fmt.Errorf("data directory %s is a file; name a directory with --data", path)
	}
	lock, err := os.OpenFile(filepath.Join(path, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock data directory: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer lock.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock data directory %s: %w", path, err)
		}
		text := make([]byte, 200)
		n, _ := lock.ReadAt(text, 0)
		return nil, &inUseError{path, strings.TrimSpace(string(text[:n]))}
	}
	// The holder is named for whoever finds the directory in use.
	holder := fmt.Sprintf("process %d (beforehand %s)\n", os.Getpid(), who)
	_, err = lock.WriteAt([]byte(holder), 0)
	if err := errors.Join(err, lock.Truncate(int64(len(holder)))); err != nil {
		lock.Close()
		return nil, fmt.Errorf("lock data directory %s: %w", path, err)
	}
	return &dataDir{path, lock}, nil
}

func (d *dataDir) close() error { return d.lock.Close() }

func (d *dataDir) file(name string) string { return filepath.Join(d.path, name) }

// key reads the directory's secret, and makes it in a directory that is new.
func (d *dataDir) key() (collect.Key, error) {
	var key collect.Key
	text, err := os.ReadFile(d.file(keyFile))
	if err == nil {
		raw, err := hex.DecodeString(strings.TrimSpace(string(text)))
		if err != nil || len(raw) != len(key) {
			return key, fmt.Errorf("%s is damaged: put back the one from your backup", d.file(keyFile))
		}
		return collect.Key(raw), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return key, fmt.Errorf("read key: %w", err)
	}
	if _, err := os.Stat(d.file(pageviewsFile)); err == nil {
		return key, fmt.Errorf("%s is missing: put back the one from your backup, since without it logs that were imported would count again", d.file(keyFile))
	}
	rand.Read(key[:])
	if err := writeDurable(d.file(keyFile), hex.EncodeToString(key[:])+"\n"); err != nil {
		return key, fmt.Errorf("write key: %w", err)
	}
	return key, nil
}

// writeDurable writes a file that only its owner can read, whole or not at
// all, and has it on disk when it returns.
func writeDurable(name, text string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
