package collect

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// maxWindow bounds the memory that a zstd file may ask for.
const maxWindow = 128 << 20

// unpack tells by its first bytes how a file is packed, and unpacks it. The
// second result lets go of what that took.
func unpack(data io.Reader) (io.Reader, func(), error) {
	in := bufio.NewReaderSize(data, 64<<10)
	magic, err := peek(in, 4)
	if err != nil {
		return nil, nil, err
	}
	is := func(sign string) bool { return bytes.HasPrefix(magic, []byte(sign)) }
	switch {
	case is("\x1f\x8b"):
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, nil, fmt.Errorf("read gzip: %w", err)
		}
		return z, func() { z.Close() }, nil
	case is("\x28\xb5\x2f\xfd"):
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, fmt.Errorf("read zstd: %w", err)
		}
		return z, z.Close, nil
	case is("BZh"):
		return bzip2.NewReader(in), func() {}, nil
	case is("\xfd7zX"):
		return nil, nil, fmt.Errorf("it is packed with xz: unpack it and import the plain file")
	case is("PK\x03\x04"):
		return nil, nil, fmt.Errorf("it is packed with zip: unpack it and import the plain files")
	}
	return in, func() {}, nil
}

// peek looks at the first bytes of a file. It asks for no more of a plain log,
// for the rest may come much later.
func peek(in *bufio.Reader, n int) ([]byte, error) {
	magic, err := in.Peek(1)
	if err == nil && bytes.Contains([]byte("\x1f(B\xfdP"), magic) {
		magic, err = in.Peek(n)
	}
	if err == io.EOF {
		err = nil
	}
	return magic, err
}
