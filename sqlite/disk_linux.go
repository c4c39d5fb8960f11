package sqlite

import (
	"errors"
	"path/filepath"
	"syscall"
)

// localDisk refuses file systems known to be on another machine.
func localDisk(path string) error {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(path), &fs); err != nil {
		return err
	}
	switch uint32(fs.Type) {
	case 0x6969, 0xff534d42, 0xfe534d42, 0x517b, 0x00c36400, 0x47504653: // nfs, cifs, smb2, smb, ceph, gpfs
		return errors.New("the file lies on a network file system, whose locks do not hold: use a local disk, or postgres")
	}
	return nil
}
