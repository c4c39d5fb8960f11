package sqlite

import (
	"path/filepath"
	"syscall"
)

// fileSystem tells the kind of file system a file lies on, by the number
// statfs(2) gives it.
func fileSystem(path string) (uint32, error) {
	var fs syscall.Statfs_t
	err := syscall.Statfs(filepath.Dir(path), &fs)
	return uint32(fs.Type), err
}
