package exports

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

const (
	maxFile     = 16 << 30 // bytes of a file as it is sent
	maxUnpacked = 64 << 30 // bytes it may unpack to
	maxRow      = 1 << 20  // bytes of a row
	maxVisit    = 16 << 20 // bytes of a visit in JSON
)

// spooled is a file that lies on disk without a name, so that it can be read more than once.
type spooled struct {
	file   *os.File
	size   int64
	digest string // of the bytes, as they were sent
}

func spool(data io.Reader, dir string) (_ *spooled, err error) {
	file, err := os.CreateTemp(dir, "export.*")
	if err != nil {
		return nil, err
	}
	s := &spooled{file: file}
	defer func() {
		if err != nil {
			file.Close()
		}
	}()
	if err := os.Remove(file.Name()); err != nil { // it is gone when it is closed, however that comes
		return nil, err
	}
	sum := sha256.New()
	s.size, err = io.Copy(io.MultiWriter(file, sum), io.LimitReader(data, maxFile+1))
	switch {
	case err != nil:
		return nil, err
	case s.size > maxFile:
		return nil, fmt.Errorf("it is larger than %d GiB", maxFile>>30)
	case s.size == 0:
		return nil, errors.New("the file is empty")
	}
	s.digest = hex.EncodeToString(sum.Sum(nil)[:16])
	return s, nil
}

// unpacked reads the file from its beginning, out of gzip where it is packed.
func (s *spooled) unpacked() (io.Reader, error) {
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	r := bufio.NewReader(s.file)
	magic, err := r.Peek(2)
	if err != nil || !bytes.Equal(magic, []byte("\x1f\x8b")) {
		return r, nil
	}
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("read gzip: %w", err)
	}
	return bounded(z), nil
}

// bounded ends a reader that has no end.
func bounded(r io.Reader) io.Reader { return &bound{r: r, left: maxUnpacked, err: errTooLarge} }

// bound hands out so many bytes and then an error. Whoever reads row by row
// puts back what it may hand out, so that no row fills the memory.
type bound struct {
	r    io.Reader
	left int64
	err  error
}

func (b *bound) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, b.err
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
