package snapshot

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"mime"
	"slices"
	"strings"
	"time"
)

// Format is one rendering of a result before it is encoded and tagged.
type Format struct {
	// Name is the extension without a dot.
	Name string
	// Type is the media type; empty means what [TypeOf] says of Name.
	Type string
	Body []byte
}

// Encoder makes a content coding, once per changed result and never for a
// reader, so it may be slow and thorough. Equal input must give equal output.
type Encoder struct {
	// Name is the content coding, such as "gzip" or "br".
	Name   string
	Encode func(body []byte) ([]byte, error)
}

// Gzip is the encoder every report has, at the best level.
func Gzip() Encoder {
	return Encoder{Name: "gzip", Encode: func(body []byte) ([]byte, error) {
		var b bytes.Buffer
		w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(body); err != nil {
			return nil, err
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
		return b.Bytes(), nil
	}}
}

// Build returns the files of formats: each as it is, and by each encoder that
// makes it at least a twentieth smaller, but for pictures that are compressed
// already. Bytes that previous already has keep
// their instant of change and are not compressed again; others get now.
func Build(formats []Format, encoders []Encoder, previous []File, now time.Time) ([]File, error) {
	now = now.UTC().Truncate(time.Millisecond) // what file systems keep
	files := make([]File, 0, len(formats)*(1+len(encoders)))
	for _, f := range formats {
		plain := file(f, now)
		kept, same := find(previous, f.Name, "")
		same = same && kept.Tag == plain.Tag
		if same {
			plain.ChangedAt = kept.ChangedAt
		}
		files = append(files, plain)
		if strings.HasPrefix(f.Name, ".") || packed(plain.Type) {
			continue
		}
		for _, e := range encoders {
			if kept, ok := find(previous, f.Name, e.Name); ok && same && kept.Body != nil {
				files = append(files, kept)
				continue
			}
			body, err := e.Encode(f.Body)
			if err != nil {
				return nil, fmt.Errorf("encode %s by %s: %w", f.Name, e.Name, err)
			}
			if len(f.Body) == 0 || 20*len(body) > 19*len(f.Body) {
				continue
			}
			c := plain
			c.Encoding, c.Body, c.Size = e.Name, body, len(body)
			c.Tag = tag(c.Type, c.Encoding, body)
			files = append(files, c)
		}
	}
	return files, nil
}

func file(f Format, now time.Time) File {
	t := f.Type
	if t == "" {
		t = TypeOf(f.Name)
	}
	return File{Format: f.Name, Type: t, Tag: tag(t, "", f.Body), ChangedAt: now, Size: len(f.Body), Body: f.Body}
}

func find(files []File, format, encoding string) (File, bool) {
	i := slices.IndexFunc(files, func(f File) bool { return f.Format == format && f.Encoding == encoding })
	if i < 0 {
		return File{}, false
	}
	return files[i], true
}

// packed tells whether bytes of a media type are compressed as they are: what
// an encoder would take off them is not worth its time.
func packed(mediaType string) bool {
	switch mediaType {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		return true
	}
	return false
}

// TypeOf returns the media type of a format: "application/octet-stream" where
// it is not known.
func TypeOf(format string) string {
	switch format {
	case "json":
		return "application/json"
	case "csv":
		return "text/csv; charset=utf-8"
	case "html":
		return "text/html; charset=utf-8"
	case "svg":
		return "image/svg+xml"
	case "md":
		return "text/markdown; charset=utf-8"
	case "txt":
		return "text/plain; charset=utf-8"
	case "png":
		return "image/png"
	case "rss":
		return "application/rss+xml"
	}
	if t := mime.TypeByExtension("." + format); t != "" {
		return t
	}
	return "application/octet-stream"
}
