package scheduler

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Log is what a run has logged, as far as there is room: what is older is
// dropped. It is shared and never changed.
type Log struct {
	Fence   int64  `json:"-"` // the run's
	Lines   []Line `json:"lines"`
	Dropped int    `json:"dropped,omitzero"` // lines before these
}

// A Line is one that a run has logged.
type Line struct {
	At    time.Time  `json:"at"`
	Level slog.Level `json:"level"`
	Text  string     `json:"text"` // the message and, as key=value, its attributes
}

// What is kept of one run's log.
const (
	maxLogLines = 1000
	maxLogBytes = 64 << 10
	maxLine     = 8 << 10 // bytes
)

// Logger returns what the run's function logs through: what it is told from
// slog.LevelInfo on is kept with the run, the latest 1000 lines and 64 KiB, and
// goes with its tick when the history is purged. Warnings and errors go to
// Config.Logger as well, with the job and the tick. It costs nothing until it is
// asked for. Of a nil run it is a logger that keeps nothing.
func (r *Run) Logger() *slog.Logger {
	if r == nil {
		return slog.New(slog.DiscardHandler)
	}
	var l *slog.Logger
	r.say(func(s *said) {
		if s.log == nil {
			s.log = &runLog{}
			out := r.s.log.Handler().WithAttrs([]slog.Attr{slog.String("job", r.Job), slog.Time("due", r.Due), slog.Int64("fence", r.Fence)})
			s.logger = slog.New(&logHandler{log: s.log, text: slog.NewTextHandler(&s.log.buf, nil), out: out})
		}
		l = s.logger
	})
	return l
}

// runLog is the log of a run under way.
type runLog struct {
	mu      sync.Mutex
	buf     bytes.Buffer // of the handlers that write text
	lines   []Line
	bytes   int
	dropped int
}

// add adds a line. The mutex is held.
func (l *runLog) add(line Line) {
	l.lines = append(l.lines, line)
	l.bytes += len(line.Text)
	n := 0
	for len(l.lines)-n > maxLogLines || l.bytes > maxLogBytes {
		l.bytes -= len(l.lines[n].Text)
		n++
	}
	l.dropped += n
	l.lines = slices.Delete(l.lines, 0, n)
}

// count is how many lines were logged; nil has none.
func (l *runLog) count() int {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dropped + len(l.lines)
}

// copy is the log as it is now.
func (l *runLog) copy(fence int64) *Log {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &Log{Fence: fence, Lines: slices.Clone(l.lines), Dropped: l.dropped}
}

// logHandler keeps the lines of a run.
type logHandler struct {
	log  *runLog
	text slog.Handler // writes attributes into the log's buffer
	out  slog.Handler // gets warnings and errors as well
}

func (h *logHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	h.keep(ctx, r)
	if r.Level >= slog.LevelWarn && h.out.Enabled(ctx, r.Level) {
		return h.out.Handle(ctx, r)
	}
	return nil
}

func (h *logHandler) keep(ctx context.Context, r slog.Record) {
	plain := slog.NewRecord(time.Time{}, r.Level, "", 0)
	r.Attrs(func(a slog.Attr) bool { plain.AddAttrs(a); return true })
	at := r.Time
	if at.IsZero() {
		at = time.Now()
	}
	h.log.mu.Lock()
	defer h.log.mu.Unlock()
	h.log.buf.Reset()
	_ = h.text.Handle(ctx, plain) // a buffer takes everything
	attrs := strings.TrimPrefix(h.log.buf.String(), "level="+r.Level.String()+` msg=""`)
	h.log.add(Line{At: at.UTC().Truncate(time.Microsecond), Level: r.Level, Text: shorten(r.Message + strings.TrimSuffix(attrs, "\n"))})
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logHandler{h.log, h.text.WithAttrs(attrs), h.out.WithAttrs(attrs)}
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	return &logHandler{h.log, h.text.WithGroup(name), h.out.WithGroup(name)}
}

// shorten makes a text fit for a line.
func shorten(text string) string {
	if len(text) > maxLine {
		text = text[:maxLine] + " …"
	}
	return clean(text)
}

// news is the run's log where its row tells of lines that are not written yet, or
// nil. The scheduler's mutex is held.
func (r *Run) news(row *Tick) *Log {
	if row.Progress.Logged == r.logged {
		return nil
	}
	return r.heard().log.copy(r.Fence)
}

// Logs returns what the runs of a tick have logged, in the order they began.
// Runs that logged nothing are left out. Of a run in another process the latest
// lines may be missing for a third of a lease.
func (s *Scheduler) Logs(ctx context.Context, k Key) ([]*Log, error) {
	list, err := s.store.Logs(ctx, k)
	if err != nil {
		return nil, err
	}
	r := s.heldByKey()[k]
	if r == nil || r.told().Logged == 0 {
		return list, nil
	}
	list = slices.DeleteFunc(list, func(l *Log) bool { return l.Fence == r.Fence })
	return append(list, r.heard().log.copy(r.Fence)), nil
}
