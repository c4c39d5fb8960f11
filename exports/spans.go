package exports

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// span is what an export told of. An export has every pageview from its first to
// its last, so that what another one of the program tells of that time is the
// same again.
type span struct {
	Digest string `json:"digest"`
	Name   string `json:"name"`
	First  int64  `json:"first,omitempty"` // seconds since 1970
	Last   int64  `json:"last,omitempty"`
	Open   bool   `json:"open,omitempty"` // it was not read to its end
}

// spans are those of a site's exports of one program, as a mark keeps them.
type spans struct {
	source string
	from   string // the mark that is committed
	all    []span
	own    int // this file's
}

// begin notes that the file is being read. It refuses one while another was cut
// off, of which nobody knows how far it would have gone.
func (r *run) begin(ctx context.Context, digest string) error {
	s := &r.spans
	s.source = "exports of " + r.program
	var err error
	if s.from, err = r.Store.Mark(ctx, r.file.Site.Name, s.source); err != nil {
		return err
	}
	if s.from != "" && json.Unmarshal([]byte(s.from), &s.all) != nil {
		return errors.New("the mark of what was exported cannot be read")
	}
	s.own = slices.IndexFunc(s.all, func(v span) bool { return v.Digest == digest })
	for i, v := range s.all {
		if v.Open && i != s.own && !r.file.Beside {
			return fmt.Errorf("the import of %q was cut off: run it again first, or use --beside if this one tells of other pageviews", v.Name)
		}
	}
	if s.own >= 0 {
		return nil
	}
	s.own = len(s.all)
	s.all = append(s.all, span{Digest: digest, Name: r.file.Name, Open: true})
	return r.keepSpans(ctx)
}

// end notes what the file told of.
func (r *run) end(ctx context.Context) error {
	own := r.spans.all[r.spans.own]
	own.Open = false
	if !r.first.IsZero() {
		own.First, own.Last = r.first.Unix(), r.last.Unix()
	}
	if own == r.spans.all[r.spans.own] {
		return nil
	}
	r.spans.all[r.spans.own] = own
	return r.keepSpans(ctx)
}

func (r *run) keepSpans(ctx context.Context) error {
	to, err := json.Marshal(r.spans.all)
	if err != nil {
		return err
	}
	err = r.Store.Append(ctx, pageview.Batch{
		Mark: &pageview.MarkStep{Site: r.file.Site.Name, Source: r.spans.source, From: r.spans.from, To: string(to)},
	})
	r.spans.from = string(to)
	return err
}

// told tells whether another export told of that time, and notes it.
func (r *run) told(at time.Time) bool {
	if r.first.IsZero() || at.Before(r.first) {
		r.first = at
	}
	if at.After(r.last) {
		r.last = at
	}
	if r.file.Beside {
		return false
	}
	second := at.Unix()
	for i, v := range r.spans.all {
		if i != r.spans.own && v.Last != 0 && v.First <= second && second <= v.Last {
			return true
		}
	}
	return false
}
