package collect

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Following says which log is followed, and where its lines go.
type Following struct {
	Path   string
	Import func(context.Context, Log) error // imports a log: Importer.Import with what is missing in the Log, or a server's; a Format in it is to be kept
	Failed func(error)                      // is told why an import failed, which is tried again
	Poll   time.Duration                    // how often the file is looked at; zero means each second
}

// Follow imports a log while it is written, until ctx ends. It may be rotated
// meanwhile, by renaming it or by copying and emptying it, and it need not
// exist yet. Where it was when a process ended is found again in the file, or
// in what it was rotated to: files beside it whose names are its own with a
// number or date.
func Follow(ctx context.Context, c Following) {
	c.Poll = cmp.Or(c.Poll, time.Second)
	f := &follower{Following: c}
	wait := c.Poll
	for ctx.Err() == nil {
		err := f.once(ctx)
		if err == nil || ctx.Err() != nil {
			wait = c.Poll
			continue
		}
		c.Failed(err)
		sleep(ctx, wait)
		wait = min(2*wait, time.Minute)
	}
}

// lastWait is how long what was read last is waited for when ctx has ended.
const lastWait = 5 * time.Second

type follower struct {
	Following
	read os.FileInfo // of the file that was followed last, to whose end it was read
}

// once imports what was rotated since, and then the log, until it is rotated.
func (f *follower) once(ctx context.Context) error {
	// What was read is committed even when ctx has ended.
	patient, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lastWait, cancel) })()

	file, caught := f.reach(ctx, patient)
	if file == nil {
		return caught
	}
	defer file.Close()
	reading, stop := context.WithCancel(ctx)
	defer stop()
	t := &tail{ctx: reading, file: file, path: f.Path, poll: f.Poll}
	fields := f.fieldsBefore(f.Path)
	if fields != "" && t.tells() {
		fields = ""
	}
	err := f.Import(patient, Log{Name: filepath.Base(f.Path), Data: t, Format: fields})
	if errors.Is(err, ErrNothing) {
		err = nil // it was rotated before anything was written
	}
	if err == nil {
		f.read = t.whole()
	}
	return errors.Join(caught, err)
}

// reach imports what was rotated since, and opens the log. It begins again when the
// log was rotated meanwhile: what it was until then would be older than the file that
// is read next, and so be left alone.
func (f *follower) reach(ctx, patient context.Context) (*os.File, error) {
	var errs []error
	for {
		newest := newestRotated(f.Path)
		errs = append(errs, f.catchUp(ctx, patient))
		file, err := f.open(ctx)
		if err != nil || file == nil {
			return nil, errors.Join(append(errs, err)...)
		}
		if now := newestRotated(f.Path); now == newest || os.SameFile(now, newest) {
			return file, errors.Join(errs...)
		}
		file.Close()
	}
}

// fieldsBefore is the line that told the fields of what the log was rotated to
// before a file of it; empty where nothing tells fields.
func (f *follower) fieldsBefore(path string) string {
	files := rotated(f.Path)
	i := slices.IndexFunc(files, func(r rotatedFile) bool { return r.path == path })
	for _, r := range files[i+1:] {
		if fields := lastFields(r.path); fields != "" {
			return fields
		}
	}
	return ""
}

// lastFields is the last line of a file that tells fields; empty where the first
// line is none that tells of the file.
func lastFields(path string) (fields string) {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	plain, end, err := unpack(file)
	if err != nil {
		return ""
	}
	defer end()
	in := bufio.NewReaderSize(plain, maxLine)
	for first := true; ; first = false {
		line, _, err := in.ReadLine()
		if err != nil || first && !bytes.HasPrefix(line, []byte("#")) {
			return fields
		}
		if bytes.HasPrefix(line, []byte("#Fields:")) {
			fields = string(line)
		}
	}
}

// open opens the log, when it is there.
func (f *follower) open(ctx context.Context) (*os.File, error) {
	for {
		file, err := os.Open(f.Path)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return file, err
		}
		if !sleep(ctx, f.Poll) {
			return nil, nil
		}
	}
}

// sleep waits, and tells whether ctx goes on.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// catchUp imports the rest of what the log was rotated to: the newest file that
// is known, and those after it. Where none is known the log was not followed
// before, and older files are left alone.
func (f *follower) catchUp(ctx, patient context.Context) error {
	var errs []error
	var unknown []string
	for _, r := range rotated(f.Path) {
		if ctx.Err() != nil {
			return nil
		}
		if f.read != nil && os.SameFile(f.read, r.info) && f.read.Size() == r.info.Size() {
			return errors.Join(append(errs, f.importAll(patient, unknown))...)
		}
		err := f.importFile(patient, r.path, true)
		switch {
		case errors.Is(err, ErrUnknown):
			unknown = append(unknown, r.path)
		case err == nil:
			return errors.Join(append(errs, f.importAll(patient, unknown))...)
		case !errors.Is(err, ErrNothing):
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// importAll imports files, the last first.
func (f *follower) importAll(ctx context.Context, paths []string) error {
	var errs []error
	for _, path := range slices.Backward(paths) {
		errs = append(errs, f.importFile(ctx, path, false))
	}
	return errors.Join(errs...)
}

func (f *follower) importFile(ctx context.Context, path string, rest bool) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	l := Log{Name: filepath.Base(path), Data: file, Rest: rest}
	if lastFields(path) == "" { // it was copied from a log that had been emptied before
		l.Format = f.fieldsBefore(path)
	}
	return f.Import(ctx, l)
}

// rotatedFile is what a log was rotated to.
type rotatedFile struct {
	path string
	info os.FileInfo
}

// rotated are the files that a log was rotated to, the newest first.
func rotated(path string) []rotatedFile {
	dir, base := filepath.Split(path)
	entries, err := os.ReadDir(cmp.Or(dir, "."))
	if err != nil {
		return nil
	}
	var files []rotatedFile
	for _, e := range entries {
		if !isRotated(e.Name(), base) || !e.Type().IsRegular() {
			continue
		}
		if info, err := e.Info(); err == nil {
			files = append(files, rotatedFile{filepath.Join(dir, e.Name()), info})
		}
	}
	slices.SortFunc(files, func(a, b rotatedFile) int {
		return cmp.Or(b.info.ModTime().Compare(a.info.ModTime()), cmp.Compare(a.path, b.path))
	})
	return files
}

// newestRotated is the newest file that a log was rotated to; nil where there is none.
func newestRotated(path string) os.FileInfo {
	if files := rotated(path); len(files) > 0 {
		return files[0].info
	}
	return nil
}

// isRotated tells whether a file is named as what a log is rotated to:
// access.log.1, access.log-20260102.gz or access-20260102.log.
func isRotated(name, base string) bool {
	for _, packed := range []string{".gz", ".zst", ".bz2"} {
		name = strings.TrimSuffix(name, packed)
	}
	ext := filepath.Ext(base)
	number, ok := strings.CutPrefix(name, base)
	if rest, found := strings.CutPrefix(name, strings.TrimSuffix(base, ext)); !ok && found {
		number, ok = strings.CutSuffix(rest, ext) // the number stands before the extension
	}
	return ok && number != "" && strings.Contains(".-_", number[:1]) &&
		strings.ContainsAny(number, "0123456789") && strings.Trim(number, "0123456789.-_T") == ""
}

// tail reads a file as it grows. It ends when the file was replaced and has
// been quiet since, when it was emptied, and with ctx.
type tail struct {
	ctx    context.Context
	file   *os.File
	path   string
	poll   time.Duration
	offset int64
	first  []byte // of the file, as it was read
	last   []byte // before the offset
	idle   bool   // it was replaced, and nothing came since
}

// remembered is how many bytes of its beginning and before the offset tell a
// file from another that was written in its place.
const remembered = 256

func (t *tail) Read(p []byte) (int, error) {
	for t.ctx.Err() == nil {
		if emptied, err := t.emptied(); emptied || err != nil {
			return 0, cmp.Or(err, io.EOF)
		}
		n, err := t.file.Read(p)
		if n > 0 {
			t.note(p[:n])
			return n, nil
		}
		if err != nil && err != io.EOF {
			return 0, err
		}
		replaced := t.replaced()
		if replaced && t.idle {
			break
		}
		t.idle = replaced
		sleep(t.ctx, t.poll)
	}
	return 0, io.EOF
}

// tells waits until the file begins, and tells whether it does with a line that
// tells of itself. A program that goes on in a file that was emptied writes none.
func (t *tail) tells() bool {
	for first := make([]byte, 1); !t.replaced(); {
		n, err := t.file.ReadAt(first, 0)
		if n == 1 {
			return first[0] == '#'
		}
		if err != nil && err != io.EOF || !sleep(t.ctx, t.poll) {
			break
		}
	}
	return true
}

// note remembers what was read.
func (t *tail) note(p []byte) {
	t.idle = false
	t.offset += int64(len(p))
	if room := remembered - len(t.first); room > 0 {
		t.first = append(t.first, p[:min(room, len(p))]...)
	}
	t.last = append(t.last, p[max(0, len(p)-remembered):]...)
	t.last = t.last[max(0, len(t.last)-remembered):]
}

// emptied tells whether the file no longer holds what was read of it.
func (t *tail) emptied() (bool, error) {
	info, err := t.file.Stat()
	if err != nil || info.Size() < t.offset {
		return err == nil, err
	}
	for _, part := range []struct {
		at   int64
		want []byte
	}{{0, t.first}, {t.offset - int64(len(t.last)), t.last}} {
		got := make([]byte, len(part.want))
		if n, err := t.file.ReadAt(got, part.at); n < len(got) && err != io.EOF {
			return false, fmt.Errorf("look back: %w", err)
		}
		if !bytes.Equal(got, part.want) {
			return true, nil
		}
	}
	return false, nil
}

// replaced tells whether another file has taken the path.
func (t *tail) replaced() bool {
	now, err := os.Stat(t.path)
	if err != nil {
		return false
	}
	own, err := t.file.Stat()
	return err == nil && !os.SameFile(now, own)
}

// whole is what the file is, when it was read to its end.
func (t *tail) whole() os.FileInfo {
	info, err := t.file.Stat()
	if err != nil || info.Size() != t.offset {
		return nil
	}
	return info
}
