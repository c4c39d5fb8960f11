package duckdb

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// spooledTexts are the texts of a pageview in the order in which a spool has them.
func spooledTexts(v *pageview.Pageview) [14]*string {
	return [...]*string{
		&v.Site, &v.Path, &v.Title, &v.Referrer, &v.ReferrerPage, &v.Campaign.Source, &v.Campaign.Medium, &v.Campaign.Name,
		&v.Browser, &v.System, &v.Device, &v.Country, &v.Language, &v.Bot,
	}
}

// appendBatch appends what a spool keeps of a batch: its pageviews, its stays, and
// its key, each with how many there are before. Instants are microseconds since 1970.
func appendBatch(b []byte, batch *pageview.Batch) []byte {
	b = binary.AppendUvarint(b, uint64(len(batch.Pageviews)))
	for i := range batch.Pageviews {
		v := &batch.Pageviews[i]
		b = binary.AppendVarint(b, v.At.UnixMicro())
		b = binary.AppendVarint(b, int64(v.Day))
		b = binary.AppendVarint(b, v.Hour.UnixMicro())
		b = binary.AppendUvarint(b, v.Visitor)
		b = append(b, byte(v.Source))
		for _, text := range spooledTexts(v) {
			b = appendText(b, *text)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(batch.Stays)))
	for i := range batch.Stays {
		v := &batch.Stays[i]
		b = binary.AppendVarint(b, v.At.UnixMicro())
		b = binary.AppendVarint(b, int64(v.Day))
		b = binary.AppendVarint(b, int64(v.For))
		b = binary.AppendUvarint(b, v.Visitor)
		b = appendText(b, v.Site)
		b = appendText(b, v.Path)
	}
	if k := batch.Key; k != nil {
		b = append(b, 1)
		b = appendText(b, k.Token)
		b = appendText(b, k.Name)
		return append(b, k.Digest[:]...)
	}
	return append(b, 0)
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// errSpoolRecord is of a record that is whole and makes no sense.
var errSpoolRecord = errors.New("it is not what this program writes")

// spoolReader reads a record. After its first error it gives zeros.
type spoolReader struct {
	text []byte
	err  error
}

func (r *spoolReader) batch() (b pageview.Batch) {
	for range r.count() {
		v := pageview.Pageview{At: r.time(), Day: pageview.Day(r.int()), Hour: r.time(), Visitor: r.uint(), Source: pageview.Source(r.byte())}
		for _, text := range spooledTexts(&v) {
			*text = r.string()
		}
		b.Pageviews = append(b.Pageviews, v)
	}
	for range r.count() {
		b.Stays = append(b.Stays, pageview.Stay{
			At: r.time(), Day: pageview.Day(r.int()), For: time.Duration(r.int()), Visitor: r.uint(), Site: r.string(), Path: r.string(),
		})
	}
	if r.byte() != 0 {
		b.Key = &pageview.Key{Token: r.string(), Name: r.string()}
		copy(b.Key.Digest[:], r.bytes(uint64(len(b.Key.Digest))))
	}
	return b
}

// count is how many items follow, of a byte at the least.
func (r *spoolReader) count() uint64 {
	n := r.uint()
	if n > uint64(len(r.text)) {
		r.fail()
		return 0
	}
	return n
}

func (r *spoolReader) uint() uint64 {
	v, n := binary.Uvarint(r.text)
	return took(r, v, n)
}

func (r *spoolReader) int() int64 {
	v, n := binary.Varint(r.text)
	return took(r, v, n)
}

// took passes over a number that was read from the n bytes that come next.
func took[T uint64 | int64](r *spoolReader, v T, n int) T {
	if n <= 0 {
		r.fail()
		return 0
	}
	r.text = r.text[n:]
	return v
}

func (r *spoolReader) time() time.Time { return time.UnixMicro(r.int()).UTC() }

func (r *spoolReader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *spoolReader) string() string { return string(r.bytes(r.uint())) }

func (r *spoolReader) bytes(n uint64) []byte {
	if n > uint64(len(r.text)) {
		r.fail()
		return nil
	}
	b := r.text[:n]
	r.text = r.text[n:]
	return b
}

func (r *spoolReader) fail() { r.text, r.err = nil, errSpoolRecord }
