// Package country tells the country of an address: by a table that is part of
// the program (IP2Location LITE, see docs/NOTICE), or by a file in MaxMind's
// format that the owner keeps up to date.
package country

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/oschwald/maxminddb-golang/v2"
	"github.com/phuslu/iploc"
)

// Embedded is the country of an address by the table in the program, as two
// letters; empty when it is not known, as for private addresses.
func Embedded(addr netip.Addr) string {
	addr = addr.Unmap()
	if !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return ""
	}
	if code := iploc.IPCountry(addr); code != "ZZ" {
		return code
	}
	return ""
}

// File is a file of countries. It is safe for concurrent use.
type File struct{ db *maxminddb.Reader }

// Open opens a file in MaxMind's format, such as GeoLite2-Country.mmdb.
func Open(path string) (*File, error) {
	db, err := maxminddb.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open countries %s: %w", path, err)
	}
	f := &File{db}
	if err := db.Lookup(netip.MustParseAddr("1.1.1.1")).Decode(&record{}); err != nil {
		return nil, errors.Join(fmt.Errorf("open countries %s: it tells no countries: %w", path, err), f.Close())
	}
	return f, nil
}

// record is what is read of an address: country.iso_code, or country_code in
// the files of some others.
type record struct {
	Country struct {
		Code string `maxminddb:"iso_code"`
	} `maxminddb:"country"`
	Code string `maxminddb:"country_code"`
}

// Country is the country of an address as two letters; empty when the file
// does not tell.
func (f *File) Country(addr netip.Addr) string {
	var r record
	if f.db.Lookup(addr.Unmap()).Decode(&r) != nil {
		return ""
	}
	if r.Country.Code != "" {
		return r.Country.Code
	}
	return r.Code
}

// Close closes the file.
func (f *File) Close() error { return f.db.Close() }
