package declared

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/beforehand-go/beforehand/internal/fetch"
)

// output is what a command or a URL gave.
type output struct {
	body      []byte
	mediaType string // as a URL names it
}

// output carries out the command or the request.
func (r *Report) output(ctx context.Context) (output, error) {
	timeout := cmp.Or(r.Timeout, defaultTimeout)
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("it took longer than %s", timeout))
	defer cancel()
	if r.Config.URL != "" {
		return r.fetch(ctx, timeout)
	}
	return r.run(ctx)
}

// run runs the command, without a shell. When the time is over, it and
// whatever it has started are killed.
func (r *Report) run(ctx context.Context) (output, error) {
	c := exec.CommandContext(ctx, r.Config.Run[0], r.Config.Run[1:]...)
	c.Dir = r.Config.Dir
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.WaitDelay = 5 * time.Second
	out := &capped{most: maxOutput, full: c.Cancel}
	errs := &tail{most: 4 << 10}
	said, complained := lines{log: r.log(ctx)}, lines{log: r.log(ctx)}
	c.Stdout, c.Stderr = out, io.MultiWriter(errs, &complained)
	if r.told {
		c.Stdout = io.MultiWriter(out, &said)
	}
	err := c.Run()
	said.end()
	complained.end()
	var exit *exec.ExitError
	switch {
	case out.over:
		return output{}, fmt.Errorf("%s wrote more than %d MiB", r.Config.Run[0], maxOutput>>20)
	case ctx.Err() != nil:
		return output{}, fmt.Errorf("%s: %w%s", r.Config.Run[0], context.Cause(ctx), errs)
	case errors.As(err, &exit):
		return output{}, fmt.Errorf("%s: %w%s", r.Config.Run[0], err, errs)
	case err != nil && errors.Is(err, os.ErrNotExist):
		return output{}, fmt.Errorf("run %s: %w: name a program that is there, or its whole path", r.Config.Run[0], err)
	case err != nil:
		return output{}, fmt.Errorf("run %s: %w%s", r.Config.Run[0], err, errs)
	}
	return output{body: out.buf.Bytes()}, nil
}

// capped keeps what is written, up to a size.
type capped struct {
	buf  bytes.Buffer
	most int
	over bool
	full func() error
}

func (c *capped) Write(p []byte) (int, error) {
	if c.buf.Len()+len(p) > c.most {
		c.over = true
		_ = c.full() // what is written ends with an error in any case
		return 0, errors.New("too much")
	}
	return c.buf.Write(p)
}

// tail keeps the end of what is written.
type tail struct {
	buf  []byte
	most int
	cut  bool
}

func (t *tail) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - t.most; over > 0 {
		t.buf, t.cut = append(t.buf[:0], t.buf[over:]...), true
	}
	return len(p), nil
}

// String is the end as text fit for a message, on lines of its own.
func (t *tail) String() string {
	text := strings.TrimSpace(printable(t.buf))
	if text == "" {
		return ""
	}
	if t.cut {
		text = "…" + text
	}
	return "\n" + text
}

// lines logs each line that is written.
type lines struct {
	log  *slog.Logger
	rest []byte // the beginning of a line
}

// longestLine is where a line is cut, in bytes.
const longestLine = 4 << 10

func (l *lines) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		line, after, ends := bytes.Cut(rest, []byte("\n"))
		room := longestLine - len(l.rest)
		if len(line) > room {
			line, after, ends = line[:room], rest[room:], true
		}
		l.rest = append(l.rest, line...)
		if rest = after; ends {
			l.end()
		}
	}
	return len(p), nil
}

// end logs what is left.
func (l *lines) end() {
	if text := strings.TrimSpace(printable(l.rest)); text != "" {
		l.log.Info(text) //nolint:sloglint // what the command says is the message
	}
	l.rest = l.rest[:0]
}

// printable is text without what a terminal would take for commands.
func printable(b []byte) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || r != '\n' && r != '\t' && !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, string(b))
}

// fetch gets the URL. Its own host may be a private one, since the owner wrote
// it; a redirect leads to no other that is.
func (r *Report) fetch(ctx context.Context, timeout time.Duration) (output, error) {
	client := fetch.New(fetch.Config{Timeout: timeout, Private: fetch.Written(r.Config.URL)})
	defer client.Close()
	res, err := client.Get(ctx, fetch.Request{URL: r.Config.URL, Most: maxOutput})
	switch {
	case err != nil:
		return output{}, err
	case res.Status >= 400 || res.Status < 200:
		t := &tail{most: 1 << 10}
		_, _ = t.Write(res.Body[:min(len(res.Body), t.most)])
		return output{}, fmt.Errorf("%s answered %d %s%s", r.Config.URL, res.Status, http.StatusText(res.Status), t)
	case res.Cut:
		return output{}, fmt.Errorf("%s answered more than %d MiB", r.Config.URL, maxOutput>>20)
	}
	mediaType, _, _ := mime.ParseMediaType(res.Type)
	r.log(ctx).Info("answered", "status", res.Status, "bytes", len(res.Body), "type", mediaType)
	return output{res.Body, mediaType}, nil
}

// format tells what an output is; empty means that it cannot be told.
func (o output) format() string {
	switch o.mediaType {
	case "application/json":
		return "json"
	case "text/csv":
		return "csv"
	case "text/html":
		return "html"
	case "image/svg+xml":
		return "svg"
	case "image/png":
		return "png"
	}
	text := bytes.TrimSpace(o.body)
	lower := bytes.ToLower(text[:min(len(text), 500)])
	switch {
	case check("png", o.body) == nil:
		return "png"
	case bytes.Contains(lower, []byte("<svg")) && !bytes.Contains(lower, []byte("<html")):
		return "svg"
	case bytes.HasPrefix(lower, []byte("<")):
		return "html"
	case json.Valid(text):
		return "json"
	case check("csv", text) == nil:
		return "csv"
	}
	return ""
}

// check refuses a body that is not of its format, so that it never takes the
// place of a result that was.
func check(format string, body []byte) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return errors.New("nothing came")
	}
	switch format {
	case "json":
		if !json.Valid(body) {
			return errors.New("what came is not JSON")
		}
	case "csv":
		if !utf8.Valid(body) {
			return errors.New("what came is not CSV in UTF-8")
		}
		if _, err := csv.NewReader(bytes.NewReader(body)).ReadAll(); err != nil {
			return fmt.Errorf("what came is not CSV: %w", err)
		}
	case "svg":
		if err := wellFormed(body); err != nil {
			return fmt.Errorf("what came is not SVG: %w", err)
		}
	case "png":
		if !bytes.HasPrefix(body, []byte("\x89PNG\r\n\x1a\n")) {
			return errors.New("what came is not PNG")
		}
	}
	return nil
}

// wellFormed tells whether a body is XML whose first element is svg.
func wellFormed(body []byte) error {
	d := xml.NewDecoder(bytes.NewReader(body))
	first := true
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) && !first {
			return nil
		}
		if err != nil {
			return err
		}
		if e, ok := t.(xml.StartElement); ok && first {
			if e.Name.Local != "svg" {
				return fmt.Errorf("it begins with <%s>", e.Name.Local)
			}
			first = false
		}
	}
}
