package collect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// maxHead is how much of a log's beginning is searched for lines that tell its
// format.
const maxHead = 1 << 20

// lineReader makes pageviews of the lines of blocks, and steps of these.
type lineReader struct {
	*run
	parser  lineParser
	inLine  bool    // what comes next is the end of a line that was counted
	line    int64   // number of the line read last
	waiting []block // until the format is known
	head    string  // the log's beginning, for as long
	tryAt   int     // size of the head at which the format is looked for again
	fields  string  // as in found

	now  logLine       // the line being read, …
	page Seen          // … the page that it tells of, …
	when time.Time     // … and when its block came
	at   pageview.Mark // read
	step step
}

// parseBlocks makes steps of blocks.
func (r *run) parseBlocks(ctx context.Context) {
	defer close(r.steps)
	p := &lineReader{run: r, tryAt: headSize}
	err := p.all(ctx)
	switch {
	case err != nil:
	case r.read == nil || errors.Is(r.read, io.EOF):
		return
	case p.line > 0:
		err = fmt.Errorf("after line %d: %w", p.line, r.read)
	default:
		err = r.read
	}
	r.parsed = err
}

// all reads every block. A step is sent when it is large enough, or when no
// more lines came for a while.
func (p *lineReader) all(ctx context.Context) error {
	timer := time.NewTimer(stepTime)
	defer timer.Stop()
	for {
		var err error
		select {
		case b, ok := <-p.blocks:
			if !ok {
				return p.end(ctx)
			}
			err = p.take(ctx, b)
			if err == nil && p.step.sum.Lines >= stepLines(p.line) {
				timer.Reset(stepTime)
				err = p.send(ctx)
			}
		case <-timer.C:
			timer.Reset(stepTime)
			err = p.flush(ctx)
		case <-ctx.Done():
			return ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}

// take takes a block in.
func (p *lineReader) take(ctx context.Context, b block) error {
	if b.begin != nil {
		return p.begin(b.begin)
	}
	if p.parser != nil {
		return p.read(ctx, b)
	}
	p.waiting = append(p.waiting, b)
	p.head += b.text
	if len(p.head) < p.tryAt {
		return nil
	}
	return p.settle(ctx, maxHead)
}

// begin notes where the reading begins.
func (p *lineReader) begin(f *found) error {
	p.from, p.fresh, p.beside = f.from, f.fresh, f.beside
	p.at, p.line, p.inLine, p.head, p.fields = f.from, f.from.Lines, f.inLine, f.passed, f.fields
	p.step.to = p.at
	if n := f.from.Lines; n > 0 {
		p.step.sum.Lines = n
		p.step.sum.Leave(LeftAlreadyCounted, n)
	}
	if p.log.Format == "" {
		return nil
	}
	parser, err := newLineParser(p.log.Format)
	if err != nil {
		return err
	}
	name := p.log.Format
	if !slices.Contains(FormatNames(), name) {
		name = "custom"
	}
	p.use(name, parser)
	return nil
}

// settle finds out what the format is, and reads the blocks that wait. It fails
// when the head is not shorter than enough and none of its lines tells.
func (p *lineReader) settle(ctx context.Context, enough int) error {
	name, err := detect(p.head)
	if err != nil && len(p.waiting) > 0 && len(p.head) >= enough {
		return err
	}
	if err != nil {
		p.tryAt = 2 * len(p.head)
		return nil
	}
	parser, err := newLineParser(name)
	if err != nil {
		return err
	}
	p.use(name, parser)
	blocks := p.waiting
	p.waiting, p.head = nil, ""
	for _, b := range blocks {
		if err := p.read(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// use begins to read lines of a format.
func (p *lineReader) use(format string, parser lineParser) {
	p.parser, p.step.sum.Format = parser, format
	if _, ok := parser.(*w3cLog); ok && p.fields != "" {
		_ = parser.parse(trimEnd(p.fields), &logLine{}) // the line was read as one of fields before
	}
}

// read reads the lines of a block.
func (p *lineReader) read(ctx context.Context, b block) error {
	p.when = time.Now()
	rest := b.text
	if p.inLine {
		end := strings.IndexByte(rest, '\n')
		p.inLine = end < 0
		rest = rest[end+1:]
		if p.inLine {
			rest = ""
		}
	}
	for rest != "" {
		var text string
		text, rest, _ = strings.Cut(rest, "\n")
		ok, err := p.oneLine(ctx, strings.TrimSuffix(text, "\r"), b.ended)
		if err != nil || !ok {
			return err
		}
	}
	p.at, p.step.to, p.step.prints, p.step.packed = b.end, b.end, b.prints, b.packed
	return nil
}

// oneLine reads one line. It is left to the next import when it is the last
// one and still being written; then ok is false.
func (p *lineReader) oneLine(ctx context.Context, text string, ended bool) (ok bool, err error) {
	text = strings.TrimLeft(text[:min(len(text), maxLine)], "\x00") // a log that was cut while it was written
	if p.line == 0 {
		text = strings.TrimPrefix(text, "\ufeff")
	}
	p.now = logLine{}
	err = p.parser.parse(text, &p.now)
	if err != nil && !ended {
		return false, nil
	}
	p.line++
	p.step.sum.Lines++
	switch {
	case err == nil:
		return true, p.keep(ctx, &p.now)
	case errors.Is(err, errComment):
		p.step.sum.Leave(LeftComment, 1)
	default:
		p.step.sum.Break(BrokenLine{File: p.log.Name, Line: p.line, Why: err.Error()})
	}
	return true, nil
}

// keep makes a pageview of a line, or leaves it out.
func (p *lineReader) keep(ctx context.Context, l *logLine) error {
	left := l.seen(&p.page)
	if left == "" {
		n := len(p.step.views)
		p.step.views = slices.Grow(p.step.views, 1)[:n+1]
		v := &p.step.views[n]
		var err error
		if left, err = p.Intake.fill(ctx, p.log.Site, &p.page, v, p.when); err != nil {
			return err
		}
		if left == "" {
			p.step.sum.Keep(v)
			return nil
		}
		p.step.views = p.step.views[:n]
	}
	p.step.sum.Leave(left, 1)
	return nil
}

// flush sends what has been read when no more came for a while.
func (p *lineReader) flush(ctx context.Context) error {
	if p.parser == nil && len(p.waiting) > 0 {
		if err := p.settle(ctx, headSize); err != nil {
			return err
		}
	}
	if p.step.sum.Lines == 0 {
		return nil
	}
	return p.send(ctx)
}

// end reads what waits still and sends the last step.
func (p *lineReader) end(ctx context.Context) error {
	if p.parser == nil && p.head != "" {
		if err := p.settle(ctx, 0); err != nil {
			return err
		}
	}
	if p.step.sum.Format == "" && p.step.sum.Lines == 0 {
		return nil
	}
	return p.send(ctx)
}

// send hands a step on to be committed.
func (p *lineReader) send(ctx context.Context) error {
	select {
	case p.steps <- p.step:
	case <-ctx.Done():
		return ctx.Err()
	}
	p.step = step{to: p.step.to, prints: p.step.prints, packed: p.step.packed}
	select {
	case p.step.views = <-p.spare:
	default:
		p.step.views = make([]pageview.Pageview, 0, stepLines(p.line))
	}
	return nil
}
