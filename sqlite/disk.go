package sqlite

import (
	"errors"
	"slices"
)

// remote are the file systems known to be on another machine, by the numbers
// of statfs(2).
var remote = []uint32{
	0x6969,                 // nfs
	0x517b,                 // smb
	0xff534d42, 0xfe534d42, // cifs, smb2
	0x5346414f, 0x6b414653, // afs
	0x00c36400, // ceph
	0x0bd00bd0, // lustre
	0x47504653, // gpfs
}

// onThisMachine refuses a file that lies on another machine.
func onThisMachine(path string, kindOf func(path string) (uint32, error)) error {
	kind, err := kindOf(path)
	if err == nil && slices.Contains(remote, kind) {
		err = errors.New("the file lies on a network file system, whose locks do not hold: use a local disk, or postgres")
	}
	return err
}
