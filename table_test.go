package beforehand

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestTabulate(t *testing.T) {
	tests := []struct{ name, doc, csv string }{
		{"list of objects", `[{"title":"a","n":1},{"title":"b","n":2.50}]`, "title,n|a,1|b,2.50|"},
		{"columns in order of appearance", `[{"b":1},{"a":2,"b":3}]`, "b,a|1,|3,2|"},
		{"list of scalars", `[1,"x",null,true]`, "value|1|x|\"\"|true|"},
		{"object", `{"from":"2026","total":12}`, "name,value|from,2026|total,12|"},
		{"object with one list", `{"as_of":"2026","articles":[{"path":"/"}],"tags":["x"]}`, "path|/|"},
		{"object with two lists", `{"a":[{"x":1}],"b":[{"y":2}]}`, "name,value|a,\"[{\"\"x\"\":1}]\"|b,\"[{\"\"y\"\":2}]\"|"},
		{"nested keeps its order", `[{"o":{"z":1,"a":[2]}}]`, "o|\"{\"\"z\"\":1,\"\"a\"\":[2]}\"|"},
		{"scalar", `"a,b"`, "value|\"a,b\"|"},
		{"great number", `[12345678901234567890]`, "value|12345678901234567890|"},
		{"formula", `[{"t":"=1+1"},{"t":-5},{"t":"-5"},{"t":"@x"}]`, "t|'=1+1|-5|-5|'@x|"},
		{"empty list", `[]`, "|"},
	}
	for _, tt := range tests {
		table, err := tabulate([]byte(tt.doc))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var b bytes.Buffer
		if err := table.csv(&b); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got := strings.ReplaceAll(b.String(), "\r\n", "|"); got != tt.csv {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.csv)
		}
	}
}

func TestTableEscapesHTML(t *testing.T) {
	table, err := tabulate([]byte(`[{"<b>":"<script>alert(1)</script>"}]`))
	if err != nil {
		t.Fatal(err)
	}
	table.Title = "</title><script>"
	var b bytes.Buffer
	if err := table.html(&b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "<script>") || !strings.Contains(b.String(), "&lt;script&gt;alert(1)") {
		t.Error(b.String())
	}
}

func TestTableAsMarkdown(t *testing.T) {
	table, err := tabulate([]byte(`[{"page":"/a|b","n":-1.5},{"page":"[x](javascript:alert(1)) <b>*www.example*</b>\n# &amp;","n":null},{"page":"2026-01-02","n":"-1x"}]`))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := table.markdown(&b); err != nil {
		t.Fatal(err)
	}
	const want = "| page | n |\n| --- | --- |\n| /a\\|b | -1.5 |\n" +
		"| \\[x\\]\\(javascript\\:alert\\(1\\)\\) &lt;b\\>\\*www\\.example\\*&lt;/b\\> \\# &amp;amp; |  |\n| 2026-01-02 | -1x |\n"
	if b.String() != want {
		t.Errorf("\n got %q\nwant %q", b.String(), want)
	}
}

func TestCSVIsReadAsATable(t *testing.T) {
	for _, c := range []struct{ csv, want string }{
		{"\xef\xbb\xbfa,b\r\n1,\"x\"\"y\"\r\n2\r\n", `{ [a b] [[1 x"y] [2 ]]}`},
		{"a\n\"\"\n", `{ [a] [[]]}`},
	} {
		table, err := readCSV([]byte(c.csv))
		if got := fmt.Sprint(table); err != nil || got != c.want {
			t.Errorf("%q: %s, want %s, error %v", c.csv, got, c.want, err)
		}
	}
	for _, bad := range []string{"", "a,\"b"} {
		if _, err := readCSV([]byte(bad)); err == nil {
			t.Errorf("%q is a table", bad)
		}
	}
}

func FuzzTabulate(f *testing.F) {
	f.Add([]byte(`[{"a":1},{"b":[{"c":null}]}]`))
	f.Add([]byte(`{"a":[{}],"a":[{}]}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		table, err := tabulate(doc)
		if err != nil {
			if json.Valid(doc) {
				t.Fatalf("valid json refused: %v", err)
			}
			return
		}
		for _, r := range table.Rows {
			if len(r) != len(table.Header) {
				t.Fatalf("row of %d cells under %d columns", len(r), len(table.Header))
			}
		}
		if err := table.csv(&bytes.Buffer{}); err != nil {
			t.Fatal(err)
		}
	})
}
