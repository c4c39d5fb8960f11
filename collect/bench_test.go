package collect_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// nowhere takes pageviews and keeps none.
type nowhere struct{ pageview.Store }

func (nowhere) Logs(context.Context, string, uint64) ([]pageview.KnownLog, error) { return nil, nil }
func (nowhere) Append(context.Context, pageview.Batch) error                      { return nil }

// busyLog makes a log with as many different agents, pages and visitors as a
// site of some size has.
func busyLog(n int) string {
	r := rand.New(rand.NewPCG(1, 2))
	page := rand.NewZipf(r, 1.2, 5, 3000)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var b strings.Builder
	for range n {
		at = at.Add(time.Duration(r.IntN(2000)) * time.Millisecond)
		path, status := fmt.Sprintf("/posts/article-%d", page.Uint64()), 200
		switch r.IntN(10) {
		case 0, 1:
			path = fmt.Sprintf("/static/%d.css", r.IntN(500))
		case 2:
			status = 404
		case 3:
			path += "?utm_source=news&utm_medium=mail"
		}
		referrer := "-"
		if r.IntN(3) == 0 {
			referrer = fmt.Sprintf("https://site%d.example/%d", r.IntN(50), r.IntN(100))
		}
		agent := fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64; rv:%d.0) Gecko/20100101 Firefox/%[1]d.0", r.IntN(300))
		if r.IntN(4) == 0 {
			agent = fmt.Sprintf("Mozilla/5.0 (compatible; Googlebot/2.%d; +http://www.google.com/bot.html)", r.IntN(100))
		}
		fmt.Fprintf(&b, "11.%d.%d.%d - - [%s] \"GET %s HTTP/1.1\" %d %d %q %q\n", r.IntN(4), r.IntN(50), r.IntN(40),
			at.Format("02/Jan/2006:15:04:05 -0700"), path, status, r.IntN(50_000), referrer, agent)
	}
	return b.String()
}

// BenchmarkImport measures reading alone, into a store that keeps nothing, and
// with the engine that the program has.
func BenchmarkImport(b *testing.B) {
	const n = 200_000
	text := busyLog(n)
	for name, store := range map[string]func() pageview.Store{
		"read": func() pageview.Store { return nowhere{} },
		"kept": func() pageview.Store { return duckImporter(b).Store },
	} {
		b.Run(name, func(b *testing.B) {
			im := plainImporter(b)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			began := cpuTime(b)
			for b.Loop() {
				im.Store = store()
				if s, err := importLog(im, strings.NewReader(text)); err != nil || s.Lines != n {
					b.Fatalf("%+v, error %v", s, err)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/(cpuTime(b)-began).Seconds(), "lines/cpu-s")
		})
	}
}

// cpuTime is what the process has used of all cores.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
