package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/internal/number"
)

// progress shows how far something is: a bar on a terminal, and elsewhere a
// line "committed N" for each step. N pageviews are then on disk.
type progress struct {
	w        io.Writer
	terminal bool
	began    time.Time
	shown    time.Time
}

func newProgress(w io.Writer) *progress {
	p := &progress{w: w, began: time.Now()}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

// show tells that so many pageviews are on disk, and how much of what there is
// to do is done; a total of zero means not known.
func (p *progress) show(committed, done, total int64) {
	if !p.terminal {
		fmt.Fprintf(p.w, "committed %d\n", committed)
		return
	}
	if time.Since(p.shown) < 100*time.Millisecond && done < total {
		return
	}
	p.shown = time.Now()
	const width = 30
	bar := strings.Repeat("-", width)
	if total > 0 {
		full := int(min(done, total) * width / total)
		bar = strings.Repeat("#", full) + bar[full:]
	}
	speed := float64(committed) / max(time.Since(p.began).Seconds(), 0.001)
	fmt.Fprintf(p.w, "\r[%s] committed %s pageviews, %s a second \x1b[K", bar, number.Grouped(committed), number.Grouped(int64(speed)))
}

// end leaves the line of the bar.
func (p *progress) end() {
	if p.terminal && !p.shown.IsZero() {
		fmt.Fprintln(p.w)
	}
}
