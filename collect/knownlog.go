package collect

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/beforehand-go/beforehand/pageview"
)

// ErrUnknown is returned for a log that nothing was read of, where only the
// rest of a known one was asked for.
var ErrUnknown = errors.New("nothing of this log was read before")

// found is where the reading of a log begins.
type found struct {
	from   pageview.Mark
	fresh  bool    // the log is not known
	beside int     // how many are known that begin with the same line
	passed string  // the log's beginning, as far as it was passed over
	fields string  // the last line that tells fields among those
	inLine bool    // from lies within a line
	held   []block // read already, from where the reading begins
}

// finder finds out which known log a log is, by reading it.
//
// A log is a known one when its bytes up to that one's mark have the mark's
// print. Before that they must agree in every print, so a log that parts from
// the known ones is noticed within the distance of two prints, and read from
// the last print that agreed: what is before was counted as part of the other.
type finder struct {
	in    *logReader
	known []pageview.KnownLog // that this log can still be
	found
	agreed  pageview.Mark // up to here the log equals a known one
	reached bool          // from is the mark of a known log
}

// find reads on until it is clear where the log goes on. Of a log that is the
// beginning of a known one nothing is left to read; then it returns io.EOF, as
// it does for an empty log.
func (f *finder) find(ctx context.Context, store pageview.Store, site string) error {
	b, err := f.in.read()
	if err != nil {
		return err
	}
	if f.known, err = store.Logs(ctx, site, b.prints[0]); err != nil {
		return err
	}
	f.beside = len(f.known)
	for _, k := range f.known {
		f.in.stops = append(f.in.stops, k.Mark.Offset)
	}
	slices.Sort(f.in.stops)
	for {
		f.held = append(f.held, b)
		f.compare(b)
		if len(f.known) == 0 {
			f.begin()
			return nil
		}
		last := b.end
		if b, err = f.in.read(); err != nil {
			f.from, f.held = last, nil
			return err
		}
	}
}

// compare leaves the known logs that this one can still be.
func (f *finder) compare(b block) {
	at := len(b.prints) - 1
	isPrint := at >= 0 && b.prints[at] == b.end.Print
	f.known = slices.DeleteFunc(f.known, func(k pageview.KnownLog) bool {
		switch {
		case k.Mark.Offset < b.end.Offset, isPrint && at < len(k.Prints) && k.Prints[at] != b.end.Print:
			return true
		case k.Mark.Offset == b.end.Offset:
			if k.Mark.Print == b.end.Print {
				f.agree(k.Mark)
				f.from, f.reached, f.inLine = k.Mark, true, !strings.HasSuffix(b.text, "\n")
			}
			return true
		}
		if isPrint && at < len(k.Prints) {
			f.agree(b.end)
		}
		return false
	})
}

// agree notes that the log equals a known one up to a mark, which is where the
// blocks held end.
func (f *finder) agree(to pageview.Mark) {
	f.agreed = to
	for _, b := range f.held {
		f.pass(b.text)
	}
	f.held = f.held[:0]
}

// pass notes what the parser must know of text that is passed over.
func (f *finder) pass(text string) {
	if len(f.passed) < headSize {
		f.passed += text
	}
	const directive = "#Fields:"
	i := strings.LastIndex(text, "\n"+directive) + 1
	if i == 0 && !strings.HasPrefix(text, directive) {
		return
	}
	f.fields, _, _ = strings.Cut(text[i:], "\n")
	f.fields += "\n"
}

// begin settles where the reading begins.
func (f *finder) begin() {
	if !f.reached || f.agreed.Offset > f.from.Offset {
		f.from, f.fresh, f.inLine = f.agreed, true, false
	}
}
