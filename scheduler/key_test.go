package scheduler_test

import (
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
)

func TestParseKeyReadsWhatStringWrote(t *testing.T) {
	for text, want := range map[string]string{
		"hot@2026-03-01T12:00:00Z":             "hot@2026-03-01T12:00:00Z",
		"hot list@2026-03-01T12:00:00.000001Z": "hot list@2026-03-01T12:00:00.000001Z",
		"日本@2026-03-01T12:00:00+05:45":         "日本@2026-03-01T06:15:00Z",
		"":                                     "",
		"hot":                                  "",
		"hot@":                                 "",
		"@2026-03-01T12:00:00Z":                "",
		"hot@noon":                             "",
		"hot@cold@2026-03-01T12:00:00Z":        "",
		"hot@0000-01-01T00:00:00+00:01":        "", // the year before 0 in UTC, which String could not write
		"hot@9999-12-31T23:59:59-00:01":        "",
		"hot@2026-03-01T12:00:00.0000000000000001": "",
	} {
		k, ok := scheduler.ParseKey(text)
		if ok != (want != "") || ok && (k.String() != want || k.Due.Location() != time.UTC) {
			t.Errorf("%q: %s, %v, want %q", text, k, ok, want)
		}
	}
}

// FuzzParseKey holds ParseKey to String: what it accepts is written and read
// again as the same.
func FuzzParseKey(f *testing.F) {
	for _, text := range []string{
		"hot@2026-03-01T12:00:00Z", "日本 \x00@2026-03-01T12:00:00.000001+05:45", "a@0000-01-01T00:00:00+00:01",
		"a@9999-12-31T23:59:59-00:01", "a@@", "a@2026-03-01T12:00:00,5Z",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		k, ok := scheduler.ParseKey(text)
		if !ok {
			return
		}
		again, ok := scheduler.ParseKey(k.String())
		if !ok || again.Job != k.Job || !again.Due.Equal(k.Due) || again.String() != k.String() || again != k {
			t.Errorf("%q is %+v, written %s, read again %+v, %v", text, k, k, again, ok)
		}
	})
}
