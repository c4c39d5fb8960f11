package snapshot

import (
	"net/http"
	"testing"
	"time"
)

func TestPrecondition(t *testing.T) {
	const tag = `"xyzzy"`
	changed := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	date := func(d time.Duration) string { return changed.Add(d).Format(http.TimeFormat) }
	tests := []struct {
		name string
		h    http.Header
		want verdict
	}{
		{"none", http.Header{}, send},
		// RFC 9110 §8.8.3.2: the comparison table.
		{"weak comparison of equal strong tags", http.Header{"If-None-Match": {tag}}, notModified},
		{"weak comparison with a weak tag", http.Header{"If-None-Match": {"W/" + tag}}, notModified},
		{"weak comparison of others", http.Header{"If-None-Match": {`"other"`}}, send},
		{"strong comparison of equal strong tags", http.Header{"If-Match": {tag}}, send},
		{"strong comparison with a weak tag", http.Header{"If-Match": {"W/" + tag}}, failed},
		// RFC 9110 §13.1.1 and §13.1.2.
		{"if-match any", http.Header{"If-Match": {"*"}}, send},
		{"if-match another", http.Header{"If-Match": {`"other"`}}, failed},
		{"if-match in a list", http.Header{"If-Match": {`"a", "xyzzy" , "b"`}}, send},
		{"if-none-match any", http.Header{"If-None-Match": {"*"}}, notModified},
		{"if-none-match in a list", http.Header{"If-None-Match": {`W/"r2d2xxxx", W/"xyzzy", "c3piozzzz"`}}, notModified},
		{"if-none-match on two lines", http.Header{"If-None-Match": {`"a"`, tag}}, notModified},
		{"comma inside a tag", http.Header{"If-None-Match": {`"a,xyzzy"`}}, send},
		{"unquoted", http.Header{"If-None-Match": {"xyzzy"}}, send},
		{"lower-case w is not weak", http.Header{"If-None-Match": {`w/"xyzzy"`}}, send},
		{"not closed", http.Header{"If-None-Match": {`"xyzzy`}}, send},
		// §13.1.3 and §13.1.4, and all three date forms of §5.6.7.
		{"not modified since", http.Header{"If-Modified-Since": {date(0)}}, notModified},
		{"not modified since later", http.Header{"If-Modified-Since": {date(time.Hour)}}, notModified},
		{"modified since", http.Header{"If-Modified-Since": {date(-time.Second)}}, send},
		{"a date that is none", http.Header{"If-Modified-Since": {"yesterday"}}, send},
		{"two dates", http.Header{"If-Modified-Since": {date(0), date(0)}}, send},
		{"obsolete rfc850 date", http.Header{"If-Modified-Since": {changed.Format("Monday, 02-Jan-06 15:04:05 GMT")}}, notModified},
		{"obsolete asctime date", http.Header{"If-Modified-Since": {changed.Format(time.ANSIC)}}, notModified},
		{"unmodified since", http.Header{"If-Unmodified-Since": {date(0)}}, send},
		{"modified meanwhile", http.Header{"If-Unmodified-Since": {date(-time.Second)}}, failed},
		// §13.2.2: the order.
		{"if-none-match rules over the date", http.Header{"If-None-Match": {`"other"`}, "If-Modified-Since": {date(0)}}, send},
		{"if-match rules over the date", http.Header{"If-Match": {tag}, "If-Unmodified-Since": {date(-time.Hour)}}, send},
		{"if-match comes first", http.Header{"If-Match": {`"other"`}, "If-None-Match": {tag}}, failed},
		{"both hold", http.Header{"If-Match": {tag}, "If-None-Match": {tag}}, notModified},
		{"unmodified comes before if-none-match", http.Header{"If-Unmodified-Since": {date(-time.Hour)}, "If-None-Match": {tag}}, failed},
	}
	for _, tt := range tests {
		if got := precondition(tt.h, tag, changed); got != tt.want {
			t.Errorf("%s: %v = %d, want %d", tt.name, tt.h, got, tt.want)
		}
	}
	if got := precondition(http.Header{"If-Modified-Since": {date(0)}}, tag, time.Time{}); got != send {
		t.Errorf("a date against a representation without one = %d, want send", got)
	}
}
