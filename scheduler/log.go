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
			s.logger = slog.New(&logHandler{log: s.log, out: out})
		}
		l = s.logger
	})
	return l
}

// runLog is the log of a run under way.
type runLog struct {
	mu      sync.Mutex
	lines   []Line
	bytes   int
	dropped int
}

// add adds a line, and drops the oldest that there is no room for.
func (l *runLog) add(line Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	l.bytes += len(line.Text)
	n := 0
	for len(l.lines)-n > maxLogLines || l.bytes > maxLogBytes {
		l.bytes -= len(l.lines[n].Text)
		n++
	}
	l.dropped += n
	clear(l.lines[:n])
	l.lines = l.lines[n:]
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
	with []func(slog.Handler) slog.Handler // what was added to it
	out  slog.Handler                      // gets warnings and errors as well
}

func (h *logHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	at := r.Time
	if at.IsZero() {
		at = time.Now()
	}
	h.log.add(Line{At: at.UTC().Truncate(time.Microsecond), Level: r.Level, Text: shorten(r.Message + h.attrs(ctx, r))})
	if r.Level >= slog.LevelWarn && h.out.Enabled(ctx, r.Level) {
		return h.out.Handle(ctx, r)
	}
	return nil
}

// attrs writes what a record has besides its message as key=value, with a space
// before each. No lock is held: a value may log when it is asked for its text.
func (h *logHandler) attrs(ctx context.Context, r slog.Record) string {
	plain := slog.NewRecord(time.Time{}, r.Level, "", 0)
	r.Attrs(func(a slog.Attr) bool { plain.AddAttrs(a); return true })
	var b bytes.Buffer
	var text slog.Handler = slog.NewTextHandler(&b, nil)
	for _, add := range h.with {
		text = add(text)
	}
	_ = text.Handle(ctx, plain) // a buffer takes everything
	return strings.TrimSuffix(strings.TrimPrefix(b.String(), "level="+r.Level.String()+` msg=""`), "\n")
}

func (h *logHandler) add(f func(slog.Handler) slog.Handler) slog.Handler {
	return &logHandler{h.log, append(slices.Clip(h.with), f), f(h.out)}
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.add(func(o slog.Handler) slog.Handler { return o.WithAttrs(attrs) })
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	return h.add(func(o slog.Handler) slog.Handler { return o.WithGroup(name) })
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
	if row.Progress.Logged == 0 {
		return nil
	}
	s := r.heard()
	if row.Progress.Logged == s.logged {
		return nil
	}
	return s.log.copy(r.Fence)
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
