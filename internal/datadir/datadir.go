// Package datadir holds a data directory for one process at a time, and knows
// what lies in it.
package datadir

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
)

// Names of what lies in a data directory.
const (
	LockFile      = "lock"                   // held while a process uses the directory
	KeyFile       = "key"                    // the secret of the directory
	PageviewsFile = "pageviews.duckdb"       // pageviews
	WaitingFile   = "pageviews.duckdb.spool" // pageviews that wait to be written there
	StateFile     = "state.db"               // jobs, ticks, snapshots, salts
	SocketFile    = "beforehand.sock"        // where a running server takes imports
	SpoolFile     = "spool.db"               // pageviews that wait to be sent elsewhere
	IDFile        = "id"                     // what tells the directory from all others
	Certificates  = "certificates"           // folder of those from an authority, and their keys
)

// InUseError tells which process holds a data directory.
type InUseError struct {
	Path, Holder string
}

func (e *InUseError) Error() string {
	return fmt.Sprintf("data directory %s is in use by %s", e.Path, e.Holder)
}

// Dir is a data directory that this process holds.
type Dir struct {
	Path string
	lock *os.File
}

// Open makes the directory where it is not there, and holds it until
// Close. who is named to other processes that want it. A directory that
// another process holds gives an InUseError.
func Open(path, who string) (*Dir, error) {
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
	lock, err := os.OpenFile(filepath.Join(path, LockFile), os.O_RDWR|os.O_CREATE, 0o600)
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
		return nil, &InUseError{path, strings.TrimSpace(string(text[:n]))}
	}
	// The holder is named for whoever finds the directory in use.
	holder := fmt.Sprintf("process %d (beforehand %s)\n", os.Getpid(), who)
	_, err = lock.WriteAt([]byte(holder), 0)
	if err := errors.Join(err, lock.Truncate(int64(len(holder)))); err != nil {
		lock.Close()
		return nil, fmt.Errorf("lock data directory %s: %w", path, err)
	}
	return &Dir{path, lock}, nil
}

// Close lets go of the directory.
func (d *Dir) Close() error { return d.lock.Close() }

// File is the path of a file in the directory.
func (d *Dir) File(name string) string { return filepath.Join(d.Path, name) }

// Key reads the directory's secret, and makes it in a directory that is new.
func (d *Dir) Key() (key [32]byte, err error) {
	if key, err = ReadKey(d.File(KeyFile)); !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if _, err := os.Stat(d.File(PageviewsFile)); err == nil {
		return key, fmt.Errorf("%s is missing: put back the one from your backup, since without it logs that were imported would count again", d.File(KeyFile))
	}
	rand.Read(key[:])
	if err := Write(d.File(KeyFile), hex.EncodeToString(key[:])+"\n"); err != nil {
		return key, fmt.Errorf("write key: %w", err)
	}
	return key, nil
}

// ID is what tells the directory from all others. It is made when it is asked
// for first.
func (d *Dir) ID() (string, error) {
	text, err := os.ReadFile(d.File(IDFile))
	if err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read id of data directory: %w", err)
	}
	id := rand.Text()
	if err := Write(d.File(IDFile), id+"\n"); err != nil {
		return "", fmt.Errorf("write id of data directory: %w", err)
	}
	return id, nil
}

// ReadKey reads a secret from its file.
func ReadKey(name string) (key [32]byte, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return key, fmt.Errorf("read key: %w", err)
	}
	raw, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(raw) != len(key) {
		return key, fmt.Errorf("%s is damaged: put back the one from your backup", name)
	}
	return [32]byte(raw), nil
}

// Write writes a file that only its owner can read, whole or not at
// all, and has it on disk when it returns.
func Write(name, text string) (err error) {
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
