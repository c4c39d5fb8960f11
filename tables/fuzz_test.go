package tables

import (
	"context"
	"math"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/pageview"
)

// newSalts gives a new salt whenever it is asked.
type newSalts struct{}

func (newSalts) Salt(_ context.Context, _ string, _ pageview.Day, fresh []byte) ([]byte, error) {
	return fresh, nil
}

// FuzzRow gives the values of a row, of every type that a database has, to what
// makes a pageview of them.
func FuzzRow(f *testing.F) {
	f.Add("2024-10-04 00:00:18.5", "/a?utm_source=x", "203.0.113.9/32", "Mozilla/5.0 (X11)", int64(1728000018), 1.7e9, "02.01.2006 15:04")
	f.Add("0000-00-00", "\xff{\x00", "::", "", int64(-1), -1e300, "unix_us")
	f.Add("20240102030405", "//", "x", "\xed\xa0\x80", int64(1)<<62, 0.5, "06")
	visitors, err := collect.NewVisitors(newSalts{}, collect.Key{1})
	if err != nil {
		f.Fatal(err)
	}
	intake := &collect.Intake{Visitors: visitors, Agents: &collect.Agents{}}
	site := &collect.Site{Name: "blog", Zone: time.UTC}
	f.Fuzz(func(t *testing.T, at, address, addr, agent string, whole int64, fraction float64, layout string) {
		values := []any{at, []byte(address), addr, agent, whole, fraction, nil, time.Unix(whole%1e11, 0), true}
		names := []string{"at", "address", "addr", "agent", "whole", "fraction", "none", "time", "bool"}
		p := &plan{}
		for part := range parts {
			text := []string{"", "{address}{whole}", "=" + address, names[part%len(names)], "{fraction}/{addr}"}[(part+len(address))%5]
			field, err := parseField(text, part%2 == 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range field.columns {
				for i, n := range names {
					if n == c {
						field.index = append(field.index, i)
					}
				}
			}
			p.fields[part] = field
		}
		r := &reading{Table: &Table{Config: Config{}, Site: site, Intake: intake}, plan: p}
		for _, how := range []string{"", "unix", layout} {
			c, err := newClock(how, "America/St_Johns")
			if err != nil {
				continue
			}
			for _, v := range values {
				for _, zoned := range []bool{false, true} {
					when, err := c.read(v, zoned)
					if err != nil {
						continue
					}
					v, left, err := intake.Pageview(t.Context(), site, r.seen(&row{values}, when, pageview.SourceTable))
					if err != nil {
						t.Fatal(err)
					}
					if left == "" && (v.Path == "" || v.Path[0] != '/' || !utf8.ValidString(v.Path+v.Title+v.Browser+v.Country+v.Language+v.Referrer+v.ReferrerPage+v.Campaign.Name)) {
						t.Errorf("%+v", v)
					}
				}
			}
		}
		key := position{whole, fraction, at, time.Unix(whole%1e11, 0).UTC()}
		if utf8.ValidString(at) && !math.IsNaN(fraction) && !math.IsInf(fraction, 0) {
			b, err := key.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			var again position
			if err := again.UnmarshalJSON(b); err != nil || len(again) != 4 || again[0] != key[0] || again[1] != key[1] || again[2] != key[2] || !again[3].(time.Time).Equal(key[3].(time.Time)) {
				t.Errorf("%v becomes %v, error %v", key, again, err)
			}
		}
	})
}
