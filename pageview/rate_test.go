package pageview

import "testing"

func TestParseRate(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "100 in 1m": "100 in 1m0s", "1 in 24h": "1 in 24h0m0s", " 5 in  90s ": "5 in 1m30s",
		"0 in 1m": "!", "-1 in 1m": "!", "1000001 in 1m": "!", "5": "!", "5 in": "!", "5 in 0s": "!", "5 in 25h": "!", "5 in 1ms": "!", "x in 1m": "!",
	} {
		r, err := ParseRate(in)
		if got := r.String(); (err != nil) != (want == "!") || err == nil && got != want {
			t.Errorf("%q: %q, error %v", in, got, err)
		}
		if again, err := ParseRate(r.String()); err != nil || again != r {
			t.Errorf("%q: %v becomes %v, error %v", in, r, again, err)
		}
	}
}
