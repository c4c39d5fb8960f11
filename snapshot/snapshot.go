package snapshot

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"time"
)

// Key names a line of snapshots, of which one at a time is in service.
type Key struct {
	// Report is the report's name.
	Report string `json:"report"`
	// Params is the canonical text of the parameters; empty for a report
	// that has none.
	Params string `json:"params,omitempty"`
}

// String returns the report's name, with the parameters behind a question mark.
func (k Key) String() string {
	if k.Params == "" {
		return k.Report
	}
	return k.Report + "?" + k.Params
}

// Snapshot is a finished result. It is never changed once it is made.
type Snapshot struct {
	Key

	// Version counts the snapshots of this key from 1, in the order in
	// which the store accepted them. The store sets it.
	Version int64 `json:"version"`
	// Revision counts all snapshots of the store from 1; the store sets it.
	Revision int64 `json:"revision"`
	// Base is the newest version that was known when an unfenced snapshot
	// was begun; zero means none. See [Store.Put].
	Base int64 `json:"-"`
	// Keep is how many versions Put leaves of this key; zero means
	// [DefaultKeep]. The one in service always stays.
	Keep int `json:"-"`

	// Definition is a hash of what the result was computed by, so that a
	// process can tell results of its own code from those of another.
	Definition string `json:"definition,omitempty"`
	// Tick is the due instant the run was for; zero when no tick asked.
	Tick time.Time `json:"tick,omitzero"`
	// Fence is the fencing number of the run's lease; zero when the result
	// was not computed under one.
	Fence int64 `json:"fence,omitempty"`
	// ComputedAt is when the run had its result.
	ComputedAt time.Time `json:"computed_at"`
	// Took is how long the run worked on it.
	Took time.Duration `json:"took_ns"`
	// Pageviews tells which pageviews were counted, where any were.
	Pageviews Pageviews `json:"pageviews,omitzero"`
	// Probe is what the report's probe said before this was computed.
	Probe string `json:"probe,omitempty"`
	// Held is why this version waits for approval; empty means in service.
	Held string `json:"held,omitempty"`

	// Files are the formats and their encodings, in the order in which the
	// report prefers its formats.
	Files []File `json:"files"`
}

// Pageviews tells which pageviews a result has counted.
type Pageviews struct {
	// Through is the sequence number of the last pageview counted.
	Through int64 `json:"through,omitempty"`
	// From and To bound the times of the pageviews, To exclusive.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
}

// File is one format of a result in one encoding.
type File struct {
	// Format is the extension without a dot, such as "json". A format that
	// begins with a dot is kept but never served.
	Format string `json:"format"`
	// Type is the media type for Content-Type.
	Type string `json:"type"`
	// Encoding is the content coding; empty means none.
	Encoding string `json:"encoding,omitempty"`
	// Tag is the strong entity tag without its quotes. It is made of the
	// type, the encoding and the bytes, so it also proves them whole.
	Tag string `json:"tag"`
	// ChangedAt is when these bytes were first in service.
	ChangedAt time.Time `json:"changed_at"`
	// Size is the number of bytes, also where Body is left out.
	Size int `json:"size"`
	// Body is the bytes; nil in what [Store.Versions] and [Store.Changes]
	// return.
	Body []byte `json:"-"`
}

// File returns the format in the encoding asked for.
func (s *Snapshot) File(format, encoding string) (File, bool) {
	return find(s.Files, format, encoding)
}

// Size returns the bytes of all files together.
func (s *Snapshot) Size() int {
	n := 0
	for _, f := range s.Files {
		n += f.Size
	}
	return n
}

// Verify tells whether every file's bytes are those it was tagged for.
func (s *Snapshot) Verify() error {
	for _, f := range s.Files {
		if len(f.Body) != f.Size || tag(f.Type, f.Encoding, f.Body) != f.Tag {
			return fmt.Errorf("verify %s version %d, %s %s: %w", s.Key, s.Version, f.Format, f.Encoding, ErrCorrupt)
		}
	}
	return nil
}

// tag is the strong entity tag of a representation: 132 bits of SHA-256.
func tag(mediaType, encoding string, body []byte) string {
	h := sha256.New()
	_, _ = io.WriteString(h, mediaType+"\n"+encoding+"\n") // a hash takes every write
	_, _ = h.Write(body)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))[:22]
}
