package web

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/internal/language"
)

// TestEveryFindingIsSaid says each finding with as many arguments as its sentence
// has room for, in every language.
func TestEveryFindingIsSaid(t *testing.T) {
	s := Setup{Site: "blog", Now: time.Now(), Arrivals: []Arrival{{Source: "script", Left: "of_a_new_kind", Count: 1, At: time.Now()}}}
	for k := range ReaderBot + 1 {
		f := Finding{Kind: k}
		for i := range len(open(english[k.saying().text])) {
			f.Args = append(f.Args, fmt.Sprintf("<argument %d of %d>", i, k))
		}
		s.Looked = append(s.Looked, f)
	}
	for _, s.Language = range language.All() {
		var b bytes.Buffer
		if err := WriteSetup(&b, s); err != nil {
			t.Fatal(err)
		}
		page := b.String()
		for _, f := range s.Looked {
			for _, a := range f.Args {
				if !strings.Contains(page, "<bdi>"+strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(a)+"</bdi>") {
					t.Errorf("%s: %s is not said", s.Language, a)
				}
			}
			if do := f.Kind.saying().do; do != "" && len(open(english[do])) > 0 {
				t.Errorf("%s has room for arguments", do)
			}
		}
		if strings.Contains(page, "%!") || !strings.Contains(page, "of_a_new_kind") {
			t.Errorf("%s: %s", s.Language, page)
		}
	}
}
