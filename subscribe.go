package beforehand

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

const (
	// heartbeat is how often a quiet stream says that it is alive, more
	// often than proxies give up.
	heartbeat = 15 * time.Second
	// patience is how long a reader of a stream may take for one event.
	patience = 10 * time.Second
)

// Subscribe answers with server-sent events: one of type "snapshot" for each
// swap, its id the version and its data the report's [Status], and a comment
// every 15 seconds. Who comes back with Last-Event-ID, or names the version it
// has by ?since=, is told at once if there is a newer one; swaps that came while
// it was away are one event. A stream ends when the site stops.
func (r *Report[T]) Subscribe(w http.ResponseWriter, req *http.Request) {
	stream(w, req, func() *core { return r.c })
}

// stream tells a reader of each swap of what find returns. That is asked again
// at every turn, for one of a family that was let go and came back.
func stream(w http.ResponseWriter, req *http.Request, find func() *core) {
	c := find()
	seen := c.served.Load().Snapshot().Version
	for _, text := range []string{req.Header.Get("Last-Event-ID"), req.URL.Query().Get("since")} {
		if v, err := strconv.ParseInt(text, 10, 64); err == nil {
			seen = v
			break
		}
	}
	h := w.Header()
	c.allowOrigin(h, req)
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would keep events back
	h.Set("X-Content-Type-Options", "nosniff")
	send := sender(w)
	if send("retry: 3000\n\n") != nil || req.Method == http.MethodHead {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		c = find()
		changed := c.wait()
		if s := c.served.Load().Snapshot(); s.Version > seen {
			seen = s.Version
			data, err := json.Marshal(c.status(s))
			if err != nil || send(fmt.Sprintf("event: snapshot\nid: %d\ndata: %s\n\n", seen, data)) != nil {
				return
			}
			continue
		}
		select {
		case <-changed:
		case <-beat.C:
			if send(":\n\n") != nil {
				return
			}
		case <-req.Context().Done():
			return
		case <-c.site.stopped():
			return
		}
	}
}

// sender writes text and flushes it, giving each reader its patience, whatever
// the server's own timeout is.
func sender(w http.ResponseWriter) func(string) error {
	control := http.NewResponseController(w)
	return func(text string) error {
		// A writer without deadlines has none to extend.
		_ = control.SetWriteDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
		return control.Flush()
	}
}
