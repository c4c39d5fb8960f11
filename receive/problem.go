package receive

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/beforehand-go/beforehand/pageview"
)

// problem is why a request was refused whole.
type problem struct {
	status  int
	after   string // seconds after which to try again; empty means that this does not help
	Message string `json:"error"`
	Line    int    `json:"line,omitempty"`   // where the JSON is wrong, from 1
	Column  int    `json:"column,omitempty"` // in bytes, from 1
	Offset  *int   `json:"offset,omitempty"` // bytes before it
}

func (p *problem) Error() string { return p.Message }

func refuseAll(status int, format string, args ...any) *problem {
	return &problem{status: status, Message: fmt.Sprintf(format, args...)}
}

// later is a refusal that is not the sender's fault.
func later(after, text string) *problem {
	return &problem{status: http.StatusServiceUnavailable, after: after, Message: text}
}

func crowded() *problem {
	return later("1", "too many requests are read at once; nothing of this request was kept")
}

func tooLong() *problem {
	return refuseAll(http.StatusRequestEntityTooLarge, "a request has at most %d bytes and %d pageviews; send several", maxBody, maxBatch)
}

// cutOff is what a sender is told whose body was not read to its end. One that
// came too slowly can be sent again: it may be this machine that is too busy.
func cutOff(err error) *problem {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &problem{status: http.StatusRequestTimeout, after: "5", Message: "the body took too long to come; nothing of this request was kept"}
	}
	return refuseAll(http.StatusBadRequest, "the body ended early")
}

// trouble is what a sender is told when something fails here. What a sender is
// not told in full goes to the log.
func (r *Receiver) trouble(req *http.Request, err error) *problem {
	switch {
	case errors.Is(err, pageview.ErrBusy):
		return later("1", "too many pageviews wait to be written; nothing of this request was kept")
	case errors.Is(err, pageview.ErrFull):
		return later("60", "no space is left for pageviews; nothing of this request was kept")
	case errors.Is(err, pageview.ErrClosed):
		return later("5", "the server is stopping; nothing of this request was kept")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return later("5", "the disk took too long; whether this request was kept is not known")
	}
	if req.Context().Err() == nil {
		r.Logger.Error("keep pageviews", "path", req.URL.Path, "error", err)
	}
	return later("5", "the server failed, and its log says how; whether this request was kept is not known")
}

// write answers a request of the API.
func (p *problem) write(w http.ResponseWriter) {
	p.head(w)
	writeJSON(w, p.status, p)
}

// writeText answers a page.
func (p *problem) writeText(w http.ResponseWriter) {
	p.head(w)
	http.Error(w, p.Message, p.status)
}

func (p *problem) head(w http.ResponseWriter) {
	if p.after != "" {
		w.Header().Set("Retry-After", p.after)
	}
	if p.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
}
