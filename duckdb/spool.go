package duckdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"

	"github.com/beforehand-go/beforehand/pageview"
)

// spool is a file beside DuckDB's in which groups are on disk before DuckDB has
// them: a record costs a tenth of a transaction. The writer holds their rows as well
// and hands them to DuckDB many groups at a time.
//
// A record tells the sequence number of its first row. DuckDB's file tells the
// number of the last row that it has, so each record is known to be in it, or not,
// whenever the process dies. Hence nothing is deleted: once DuckDB has all rows the
// next record is written over the first one, and a file is read as far as the
// numbers go on.
//
//	file    magic, id of DuckDB's file (16 bytes), records
//	record  length (4 bytes), CRC-32C (4 bytes) of the rest; number of the first row, items
type spool struct {
	path string
	id   [16]byte
	file *os.File // nil until there is something to write
	end  int64    // of the records whose rows DuckDB does not have
	buf  []byte
}

const (
	spoolSuffix = ".spool" // after the path of DuckDB's file
	spoolMagic  = "beforehand\x00spool1"
	spoolHeader = int64(len(spoolMagic) + 16)
	spoolFrame  = 8 // bytes before the contents of a record

	// What DuckDB does not have is bounded by the time that it takes to give it to it,
	// while nobody else is served.
	maxSpool     = 8 << 20 // bytes
	maxSpoolRows = 8192
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// waits tells whether there is something that DuckDB does not have.
func (s *spool) waits() bool { return s.end > spoolHeader }

// put has a record on disk when it returns nil. Otherwise there is nothing of it.
func (s *spool) put(first uint64, batches []*pageview.Batch) error {
	b := append(s.buf[:0], make([]byte, spoolFrame)...)
	b = binary.AppendUvarint(b, first)
	for _, batch := range batches {
		b = appendBatch(b, batch)
	}
	s.buf = b
	if s.end+int64(len(b)) > maxSpool {
		return errSpoolFull
	}
	binary.LittleEndian.PutUint32(b, uint32(len(b)-spoolFrame))
	binary.LittleEndian.PutUint32(b[4:], crc32.Checksum(b[spoolFrame:], castagnoli))
	if s.file == nil {
		if err := s.create(); err != nil {
			return err
		}
	}
	_, err := s.file.WriteAt(b, s.end)
	if err == nil {
		err = s.file.Sync()
	}
	if err != nil {
		return errors.Join(err, s.file.Truncate(s.end))
	}
	s.end += int64(len(b))
	return nil
}

// errSpoolFull is returned for what is written to DuckDB at once.
var errSpoolFull = errors.New("the spool is full")

// create makes the file, with nothing in it.
func (s *spool) create() error {
	file, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err = file.Write(append([]byte(spoolMagic), s.id[:]...)); err == nil {
		err = syncFile(s.path)
	}
	if err != nil {
		return errors.Join(err, file.Close(), os.Remove(s.path))
	}
	s.file, s.end = file, spoolHeader
	return nil
}

// clear is called when DuckDB has all rows.
func (s *spool) clear() { s.end = min(s.end, spoolHeader) }

// close closes the file. One in which nothing waits is removed.
func (s *spool) close() error {
	if s == nil || s.file == nil {
		return nil
	}
	err := s.file.Close()
	if s.file = nil; !s.waits() {
		err = errors.Join(err, os.Remove(s.path))
	}
	return err
}

// open opens the file, where there is one, and calls keep for what DuckDB does not
// have, which has the rows up to a number.
func (s *spool) open(through uint64, keep func(*pageview.Batch) error) error {
	file, err := os.OpenFile(s.path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	text, err := io.ReadAll(file)
	if err == nil && int64(len(text)) <= spoolHeader {
		err = errors.Join(file.Close(), os.Remove(s.path)) // the process ended while it made the file
		return err
	}
	if err == nil {
		err = s.read(text, through, keep)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("open spool %s: %w", s.path, err), file.Close())
	}
	s.file = file
	return nil
}

// read reads a file, which may end in the middle of a record.
func (s *spool) read(text []byte, through uint64, keep func(*pageview.Batch) error) error {
	if string(text[:len(spoolMagic)]) != spoolMagic {
		return errors.New("this program does not know such a file: use a newer beforehand, or move it away")
	}
	if [16]byte(text[len(spoolMagic):spoolHeader]) != s.id {
		return errors.New("it belongs to another file of pageviews: put that one back, or move the spool away")
	}
	s.end = spoolHeader
	for {
		record := content(text[s.end:])
		if record == nil {
			return nil
		}
		r := spoolReader{text: record}
		first := r.uint()
		switch {
		case r.err == nil && s.end == spoolHeader && first > through+1:
			return fmt.Errorf("it begins with row %d, and the file of pageviews ends with row %d: put the newer one back, or move the spool away", first, through)
		case r.err == nil && first != through+1:
			return nil
		}
		for len(r.text) > 0 && r.err == nil {
			b := r.batch()
			through += uint64(len(b.Pageviews) + len(b.Stays))
			if r.err == nil {
				r.err = keep(&b)
			}
		}
		if r.err != nil {
			return fmt.Errorf("record at byte %d: %w", s.end, r.err)
		}
		s.end += int64(spoolFrame + len(record))
	}
}

// content is what the first record holds; nil where there is no whole one.
func content(text []byte) []byte {
	if len(text) < spoolFrame {
		return nil
	}
	n := binary.LittleEndian.Uint32(text)
	if n == 0 || uint64(n) > uint64(len(text)-spoolFrame) {
		return nil
	}
	record := text[spoolFrame:][:n]
	if crc32.Checksum(record, castagnoli) != binary.LittleEndian.Uint32(text[4:]) {
		return nil
	}
	return record
}
