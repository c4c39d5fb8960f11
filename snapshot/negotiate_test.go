package snapshot

import "testing"

func TestAcceptQuality(t *testing.T) {
	// The example of RFC 9110 §12.5.1, with its table of results.
	const example = "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5"
	tests := []struct {
		name  string
		lines []string
		media string
		want  quality
	}{
		{"example, plain flowed", []string{example}, "text/plain;format=flowed", 1000},
		{"example, plain", []string{example}, "text/plain", 700},
		{"example, html", []string{example}, "text/html", 300},
		{"example, jpeg", []string{example}, "image/jpeg", 500},
		{"example, plain fixed", []string{example}, "text/plain;format=fixed", 400},
		{"example, html level 3", []string{example}, "text/html;level=3", 300},
		{"none", nil, "application/json", 1000},
		{"empty", []string{""}, "application/json", 1000},
		{"all", []string{"*/*"}, "application/json", 1000},
		{"another", []string{"text/html"}, "application/json", 0},
		{"excluded", []string{"*/*, application/json;q=0"}, "application/json", 0},
		{"case", []string{"Application/JSON"}, "application/json", 1000},
		{"params of ours do not matter", []string{"text/csv"}, "text/csv; charset=utf-8", 1000},
		{"params that match", []string{"text/csv; charset=UTF-8;q=0.2"}, "text/csv; charset=utf-8", 200},
		{"params that do not", []string{"text/csv; charset=latin1"}, "text/csv; charset=utf-8", 0},
		{"two lines", []string{"text/html", "application/json;q=0.4"}, "application/json", 400},
		{"blanks", []string{" text/html ; q = 0.5 ,application/json ;q=0.25"}, "application/json", 250},
		{"quoted comma", []string{`text/html;a="x,application/json";q=1`}, "application/json", 0},
		{"weight above one", []string{"application/json;q=1.5"}, "application/json", 0},
		{"weight of four decimals", []string{"application/json;q=0.1234"}, "application/json", 0},
		{"weight missing", []string{"application/json;q="}, "application/json", 0},
		{"three decimals", []string{"application/json;q=0.123"}, "application/json", 123},
		{"extension after q", []string{"application/json;q=0.5;v=1"}, "application/json", 500},
		{"browser", []string{"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"}, "image/svg+xml", 800},
	}
	for _, tt := range tests {
		if got := acceptQuality(tt.lines, tt.media); got != tt.want {
			t.Errorf("%s: acceptQuality(%q, %q) = %d, want %d", tt.name, tt.lines, tt.media, got, tt.want)
		}
	}
}

func TestEncodingQuality(t *testing.T) {
	tests := []struct {
		lines              []string
		identity, gzip, br quality
	}{
		{nil, 1, 0, 0},
		{[]string{""}, 1, 0, 0},
		{[]string{"*"}, 1, 1000, 1000},
		{[]string{"compress, gzip"}, 1, 1000, 0},
		{[]string{"compress;q=0.5, gzip;q=1.0"}, 1, 1000, 0},
		{[]string{"gzip;q=1.0, identity; q=0.5, *;q=0"}, 500, 1000, 0},
		{[]string{"identity;q=0, br"}, 0, 0, 1000},
		{[]string{"*;q=0"}, 0, 0, 0},
		{[]string{"*;q=0, gzip"}, 0, 1000, 0},
		{[]string{"*;q=0.2, gzip;q=0"}, 1, 0, 200},
		{[]string{"GZIP"}, 1, 1000, 0},
		{[]string{"x-gzip"}, 1, 1000, 0},
		{[]string{"gzip, deflate, br, zstd"}, 1, 1000, 1000},
		{[]string{"gzip;q=0", "br"}, 1, 0, 1000},
		{[]string{"gzip;q=nonsense"}, 1, 0, 0},
		{[]string{",,gzip,,"}, 1, 1000, 0},
	}
	for _, tt := range tests {
		for encoding, want := range map[string]quality{"": tt.identity, "gzip": tt.gzip, "br": tt.br} {
			if got := encodingQuality(tt.lines, encoding); got != want {
				t.Errorf("encodingQuality(%q, %q) = %d, want %d", tt.lines, encoding, got, want)
			}
		}
	}
}

func FuzzNegotiate(f *testing.F) {
	f.Add("text/*;q=0.3, text/plain;format=\"fl\\\"owed\";q=1")
	f.Add("gzip;q=0.5,br;q=,*;q=1.000")
	f.Fuzz(func(t *testing.T, line string) {
		lines := []string{line}
		for _, q := range []quality{
			acceptQuality(lines, "text/csv; charset=utf-8"),
			encodingQuality(lines, "gzip"), encodingQuality(lines, ""),
		} {
			if q < 0 || q > 1000 {
				t.Fatalf("weight %d of %q is out of range", q, line)
			}
		}
		anyTag(lines, `"x"`, weak)
	})
}
