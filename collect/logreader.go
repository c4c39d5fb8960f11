package collect

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/beforehand-go/beforehand/pageview"
)

// headSize is how much of a log's unpacked beginning knows it, and the longest
// line that is read whole.
const headSize = 64 << 10

// logReader reads the lines of a log, plain or gzip.
type logReader struct {
	counted *countingReader
	unpack  io.Closer // nil when the log is plain
	buf     *bufio.Reader
	head    []byte          // the first whole lines; the only line where it has no end
	prints  pageview.Prints // of the head's whole lines
}

// rawLine is a line as it was read. Its text is valid until the next one is.
type rawLine struct {
	text  []byte // without its end; cut off after 64 kB
	size  int64  // bytes of the unpacked file, with the end
	ended bool   // false for a last line without a line break
}

func newLogReader(data io.Reader, key Key) (*logReader, error) {
	r := &logReader{counted: &countingReader{r: data}}
	packed := bufio.NewReaderSize(r.counted, 64<<10)
	magic, err := packed.Peek(6)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if name := otherPacking(magic); name != "" {
		return nil, fmt.Errorf("it is packed with %s: unpack it and import the plain file", name)
	}
	unpacked := io.Reader(packed)
	if bytes.HasPrefix(magic, []byte("\x1f\x8b")) {
		z, err := gzip.NewReader(packed)
		if err != nil {
			return nil, fmt.Errorf("read gzip: %w", err)
		}
		unpacked, r.unpack = z, z
	}
	r.buf = bufio.NewReaderSize(unpacked, headSize)
	if err := r.readHead(key); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *logReader) close() {
	if r.unpack != nil {
		r.unpack.Close()
	}
}

// otherPacking names the way a file is packed that cannot be read.
func otherPacking(magic []byte) string {
	for name, sign := range map[string]string{
		"zstd": "\x28\xb5\x2f\xfd", "bzip2": "BZh", "xz": "\xfd7zXZ", "zip": "PK\x03\x04",
	} {
		if bytes.HasPrefix(magic, []byte(sign)) {
			return name
		}
	}
	return ""
}

// readHead looks at the beginning without moving on.
func (r *logReader) readHead(key Key) error {
	head, err := r.buf.Peek(headSize)
	if err != nil && err != io.EOF {
		return err
	}
	if end := bytes.LastIndexByte(head, '\n'); end >= 0 {
		head = head[:end+1]
	}
	r.head = bytes.Clone(head)
	mac := hmac.New(sha256.New, key.derive("log"))
	var sum []byte
	for line := range bytes.Lines(r.head) {
		mac.Reset()
		mac.Write(sum)
		mac.Write(trimEnd(line))
		sum = mac.Sum(sum[:0])
		r.prints = append(r.prints, binary.LittleEndian.Uint64(sum))
	}
	return nil
}

// next is the next line.
func (r *logReader) next() (rawLine, error) {
	b, err := r.buf.ReadSlice('\n')
	line := rawLine{text: trimEnd(b), size: int64(len(b)), ended: true}
	switch {
	case err == nil:
		return line, nil
	case err == io.EOF && len(b) > 0:
		line.ended = false
		return line, nil
	case !errors.Is(err, bufio.ErrBufferFull):
		return rawLine{}, err
	}
	// The line is longer than the buffer: its beginning is kept, so that the
	// error can name a column, and the rest passed over.
	line.text = bytes.Clone(b)
	for errors.Is(err, bufio.ErrBufferFull) {
		b, err = r.buf.ReadSlice('\n')
		line.size += int64(len(b))
	}
	if err == io.EOF {
		return line, nil
	}
	return line, err
}

// skip passes over the first n bytes, or all there are. It tells how many
// lines that were, counting a last one without end, and whether it stopped
// between two lines.
func (r *logReader) skip(n int64) (lines int64, whole bool, err error) {
	whole = true
	for n > 0 {
		b, err := r.buf.Peek(int(min(n, headSize)))
		if len(b) == 0 {
			if err == io.EOF {
				break
			}
			return lines, whole, err
		}
		lines += int64(bytes.Count(b, []byte("\n")))
		whole = b[len(b)-1] == '\n'
		n -= int64(len(b))
		r.buf.Discard(len(b))
	}
	if !whole {
		lines++
	}
	return lines, whole, nil
}

func (r *logReader) bytes() int64 { return r.counted.n }

// countingReader counts the bytes read.
type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// trimEnd takes the line break off a line.
func trimEnd(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r"))
}
