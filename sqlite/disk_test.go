package sqlite

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAFileOnANetworkFileSystemIsRefused(t *testing.T) {
	for kind, refused := range map[uint32]bool{
		0x6969: true, 0xff534d42: true, 0xfe534d42: true, 0x517b: true, 0x00c36400: true, // nfs, cifs, smb2, smb, ceph
		0xef53: false, 0x58465342: false, 0x9123683e: false, 0x01021994: false, 0x794c7630: false, // ext, xfs, btrfs, tmpfs, overlay
	} {
		path := filepath.Join(t.TempDir(), "site.db")
		db, err := sql.Open("sqlite", dsn(path))
		if err != nil {
			t.Fatal(err)
		}
		s, err := open(db, path, func(string) (uint32, error) { return kind, nil }, busy)
		if (err != nil) != refused {
			t.Errorf("on a file system of kind %#x: %v", kind, err)
		}
		if !refused {
			err = s.Close()
		} else if !strings.Contains(err.Error(), "use a local disk, or postgres") || !strings.Contains(err.Error(), path) {
			t.Errorf("it does not say what to do: %v", err)
		}
		if _, found := os.Stat(path); errors.Is(found, os.ErrNotExist) != refused {
			t.Errorf("kind %#x: the file was made, or not: %v", kind, found)
		}
		if db.Ping() == nil {
			t.Errorf("kind %#x: the database was left open, %v", kind, err)
		}
	}
}

func TestThisTestsFolderIsOnThisMachine(t *testing.T) {
	if err := onThisMachine(filepath.Join(t.TempDir(), "site.db"), fileSystem); err != nil {
		t.Error(err)
	}
}
