package articles

import (
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
)

// unpack unpacks a file that is packed with gzip itself, as sitemaps may be.
func unpack(body []byte, most int64) ([]byte, error) {
	if !bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		return body, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	out, err := io.ReadAll(io.LimitReader(z, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("unpack: %w", err)
	case int64(len(out)) > most:
		return nil, fmt.Errorf("it is larger than %d MiB unpacked", most>>20)
	}
	return out, nil
}

// encoding is what an XML document says of its character set.
var encoding = regexp.MustCompile(`^\s*<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([^"']*)["']`)

// valid is a document without bytes that are not text in UTF-8, where that is
// its character set.
func valid(body []byte) []byte {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if utf8.Valid(body) {
		return body
	}
	m := encoding.FindSubmatch(body)
	if m != nil && !bytes.EqualFold(m[1], []byte("utf-8")) && !bytes.EqualFold(m[1], []byte("utf8")) {
		return body
	}
	return bytes.ToValidUTF8(body, nil)
}

// newDecoder reads XML in any character set. What a document defines as
// entities stays as it is written: encoding/xml expands none.
func newDecoder(body []byte) *xml.Decoder {
	d := xml.NewDecoder(bytes.NewReader(valid(body)))
	d.CharsetReader = charset.NewReaderLabel
	d.Strict = false
	return d
}

// shallow refuses a document whose elements nest deeper than a feed's do. A
// parser that calls itself for each level would end the process.
func shallow(body []byte) error {
	d := newDecoder(body)
	for depth := 0; depth <= 200; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
	}
	return errors.New("its elements nest too deeply")
}
