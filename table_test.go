package beforehand

import (
	"bytes"
	"encoding/json"
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
