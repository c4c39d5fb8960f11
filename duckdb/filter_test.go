package duckdb

import (
	"fmt"
	"slices"
	"testing"

	"github.com/beforehand-go/beforehand/pageview"
)

func TestAValueStandsForTheTextsThatItsStarsLeaveRoomFor(t *testing.T) {
	for _, c := range []struct {
		value string
		of    []string
		not   []string
	}{
		{"", []string{""}, []string{"a", "*"}},
		{"*", []string{"", "a", "/a/b"}, nil},
		{"**", []string{"", "a"}, nil},
		{"a", []string{"a"}, []string{"", "A", "aa", "ab"}},
		{"a?", []string{"a?"}, []string{"ab"}},
		{"/posts/*", []string{"/posts/", "/posts/a/b"}, []string{"/posts", "/a/posts/"}},
		{"*.html", []string{".html", "/a.html"}, []string{"/a.html/", ".htm"}},
		{"*b*", []string{"b", "abc", "bb"}, []string{"", "ac"}},
		{"a*a", []string{"aa", "aba", "aaa"}, []string{"a", "ab"}},
		{"a*b*b", []string{"abb", "acbcb"}, []string{"ab", "acb"}},
		{"*ab*ab*", []string{"abab", "xabab"}, []string{"aba", "ab"}},
		{"ä*_%", []string{"ä_%", "äö_%"}, []string{"äxy"}},
	} {
		for _, text := range c.of {
			if !stands(c.value, text) {
				t.Errorf("%q does not stand for %q", c.value, text)
			}
		}
		for _, text := range c.not {
			if stands(c.value, text) {
				t.Errorf("%q stands for %q", c.value, text)
			}
		}
	}
}

func TestAFilterThatStandsForManyTextsAnswersAsOneThatStandsForFew(t *testing.T) {
	s := openBlog(t, t.TempDir()+"/pageviews.duckdb")
	var batch pageview.Batch
	for i := range mostNumbers + 10 {
		v := benchView(i)
		v.Path = fmt.Sprint("/posts/", i)
		batch.Pageviews = append(batch.Pageviews, v)
	}
	other := benchView(1)
	other.Path = "/about"
	batch.Pageviews = append(batch.Pageviews, other)
	if err := s.Append(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]int64{"/posts/*": mostNumbers + 10, "/posts/10*": 21, "*": mostNumbers + 11, "": 0} {
		for _, raw := range []bool{false, true} {
			q := pageview.Query{Site: "blog", Raw: raw, Filters: []pageview.Filter{{Dimension: pageview.ByPage, Values: []string{value}}}}
			a, err := s.Query(t.Context(), q)
			if err != nil || a.Total.Pageviews != want {
				t.Errorf("%d pageviews of %q, raw %t, want %d, error %v", a.Total.Pageviews, value, raw, want, err)
			}
		}
	}
	if n := len(numbersOf(s.view.Load().paths, "/posts/*")); n <= mostNumbers || slices.Contains(numbersOf(s.view.Load().paths, "/posts/*"), "0") {
		t.Errorf("%d numbers, which are not many", n)
	}
}
