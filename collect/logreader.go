package collect

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"io"
	"strings"

	"github.com/beforehand-go/beforehand/pageview"
)

const (
	blockSize = 256 << 10 // of a log are read at once
	maxLine   = 64 << 10  // the longest line that is read whole
	headSize  = 64 << 10  // of a log's beginning each line has a print
)

// logReader reads a log block by block. It hands out what has come as soon as
// it has whole lines, for the rest may come much later.
type logReader struct {
	packed *countingReader
	data   io.Reader
	close  func()
	buf    []byte
	lo, hi int   // what of buf was read and not handed out
	err    error // of the last read

	mac    hash.Hash
	end    pageview.Mark
	prints pageview.Prints
	next   int64   // the first line end from here on has a print
	stops  []int64 // offsets, in ascending order, at which a block is to end
}

// block is a stretch of a log that holds whole lines.
type block struct {
	text   string // of a line that is too long, only the beginning
	ended  bool   // false for a last line without a line break
	end    pageview.Mark
	prints pageview.Prints // of the log up to the end of the block
	packed int64           // bytes of the file as it was handed in
	begin  *found          // stands before the first block, with nothing else
}

// newLogReader reads a log that may be packed.
func newLogReader(data io.Reader, key Key) (*logReader, error) {
	r := &logReader{
		packed: &countingReader{r: data}, mac: hmac.New(sha256.New, key.derive("log")),
		buf: make([]byte, blockSize),
	}
	var err error
	r.data, r.close, err = unpack(r.packed)
	return r, err
}

// read is the next block; at the end of the log it is io.EOF.
func (r *logReader) read() (block, error) {
	for {
		if n := bytes.LastIndexByte(r.buf[r.lo:r.hi], '\n') + 1; n > 0 {
			return r.take(r.upTo(n), true), nil
		}
		if r.hi-r.lo == len(r.buf) {
			return r.long()
		}
		if r.err != nil {
			break
		}
		r.fill()
	}
	if errors.Is(r.err, io.EOF) && r.hi > r.lo {
		return r.take(r.upTo(r.hi-r.lo), false), nil
	}
	return block{}, r.err
}

// fill reads what comes.
func (r *logReader) fill() {
	if r.lo > 0 {
		r.hi = copy(r.buf, r.buf[r.lo:r.hi])
		r.lo = 0
	}
	var n int
	n, r.err = r.data.Read(r.buf[r.hi:])
	r.hi += n
}

// upTo is how much of the n bytes that could be handed out the next block
// takes: it ends where a print or a stop is.
func (r *logReader) upTo(n int) int {
	if from := max(r.next-r.end.Offset-1, 0); from < int64(n) {
		if i := bytes.IndexByte(r.buf[r.lo+int(from):r.lo+n], '\n'); i >= 0 {
			n = int(from) + i + 1
		}
	}
	for len(r.stops) > 0 && r.stops[0] <= r.end.Offset {
		r.stops = r.stops[1:]
	}
	if len(r.stops) > 0 {
		n = int(min(int64(n), r.stops[0]-r.end.Offset))
	}
	return n
}

// take hands out the next n bytes.
func (r *logReader) take(n int, ended bool) block {
	b := r.buf[r.lo : r.lo+n]
	r.lo += n
	r.pass(b)
	return r.block(string(b), ended)
}

// pass moves on over bytes that end a block. The break of their last line is
// not in its print, so that a last line has the same with and without.
func (r *logReader) pass(b []byte) {
	lines := bytes.Count(b, []byte("\n"))
	whole := len(b) > 0 && b[len(b)-1] == '\n'
	if whole {
		b = b[:len(b)-1]
	}
	r.mac.Write(b)
	var sum [sha256.Size]byte
	r.end.Print = binary.LittleEndian.Uint64(r.mac.Sum(sum[:0]))
	r.end.Offset += int64(len(b))
	if whole {
		r.mac.Write([]byte("\n"))
		r.end.Offset++
	}
	r.end.Lines += int64(lines)
	if whole && r.end.Offset >= r.next || len(r.prints) == 0 {
		r.prints = append(r.prints, r.end.Print)
		r.next = r.end.Offset + spacing(r.end.Offset)
	}
}

// spacing is how far from one print to the next: each line of the beginning
// has one, and then every 64th part of what was read, within limits.
func spacing(offset int64) int64 {
	if offset < headSize {
		return 0
	}
	return min(max(offset/64, 4<<10), 1<<20)
}

// block is what was passed, with a text.
func (r *logReader) block(text string, ended bool) block {
	b := block{text: text, ended: ended, end: r.end, prints: r.prints[:len(r.prints):len(r.prints)], packed: r.packed.n}
	if !strings.HasSuffix(text, "\n") && !ended {
		b.end.Lines++
	}
	return b
}

// long reads a line that does not fit into the buffer. Its beginning is kept,
// so that an error can name a column, and the rest passed over.
func (r *logReader) long() (block, error) {
	text := string(r.buf[r.lo : r.lo+maxLine])
	for r.err == nil {
		r.mac.Write(r.buf[r.lo:r.hi])
		r.end.Offset += int64(r.hi - r.lo)
		r.lo, r.hi = 0, 0
		r.fill()
		if n := bytes.IndexByte(r.buf[:r.hi], '\n') + 1; n > 0 {
			r.lo = n
			r.pass(r.buf[:n])
			return r.block(text, true), nil
		}
	}
	r.pass(r.buf[r.lo:r.hi])
	r.lo = r.hi
	return r.block(text, false), nil
}

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
