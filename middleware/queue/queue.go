// Package queue keeps pages on disk until a running beforehand has taken them.
//
// It is the sink of package middleware for a process that has no store of its
// own: pages go to a SQLite file, and from there to the API, a batch at a time,
// again and again until the answer is 2xx. Each batch keeps its idempotency
// key, so that nothing counts twice, and the file survives kill -9. A batch is
// deleted, addresses and all, once it was taken.
package queue

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the file is SQLite's

	"github.com/beforehand-go/beforehand/collect"
)

// ErrFull is returned by Keep when as much waits as may. Nothing of the pages
// was kept: their owner drops them, or tries again later.
var ErrFull = errors.New("the queue is full")

// Config says where a queue sends.
type Config struct {
	URL    string // of the server, such as "http://localhost:8080"
	Token  string // with the scope pageviews:write
	Site   string // name of the site; empty means that the token or the page's host tells it
	Bytes  int64  // that may wait; zero means 64 MiB, some 200,000 pages
	Client *http.Client
	Logger *slog.Logger // nil means slog.Default()
}

// Queue is a file of pages. One process may use it at a time.
type Queue struct {
	Config
	db   *sql.DB
	came chan struct{} // holds a token when something came in

	mu    sync.Mutex
	bytes int64 // that wait
}

// Open opens the queue in a file, or makes it.
func Open(path string, c Config) (*Queue, error) {
	c.Bytes = cmp.Or(c.Bytes, 64<<20)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	c.Client = cmp.Or(c.Client, &http.Client{Timeout: time.Minute})
	options := "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=secure_delete(1)"
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()+options)
	if err != nil {
		return nil, fmt.Errorf("open queue %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	q := &Queue{Config: c, db: db, came: make(chan struct{}, 1)}
	_, err = db.ExecContext(context.Background(), `CREATE TABLE IF NOT EXISTS requests (
		id   INTEGER PRIMARY KEY AUTOINCREMENT,
		key  TEXT NOT NULL, -- idempotency key
		body BLOB NOT NULL
	)`)
	if err == nil {
		err = db.QueryRowContext(context.Background(), "SELECT coalesce(sum(length(body)), 0) FROM requests").Scan(&q.bytes)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open queue %s: %w", path, err), db.Close())
	}
	return q, nil
}

// Close closes the file.
func (q *Queue) Close() error { return q.db.Close() }

// Waiting is how many bytes wait to be sent.
func (q *Queue) Waiting() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bytes
}

// page is a page as the API takes it.
type page struct {
	Site     string    `json:"site,omitempty"`
	At       time.Time `json:"at"`
	URL      string    `json:"url,omitempty"`
	Path     string    `json:"path,omitempty"`
	Host     string    `json:"host,omitempty"`
	Title    string    `json:"title,omitempty"`
	Referrer string    `json:"referrer,omitempty"`
	Address  string    `json:"address,omitempty"`
	Agent    string    `json:"agent"` // an empty one says that none was sent
	Language string    `json:"language,omitempty"`
	Country  string    `json:"country,omitempty"`
	Visitor  string    `json:"visitor,omitempty"`
}

// Keep has pages in the file when it returns nil.
func (q *Queue) Keep(ctx context.Context, pages []collect.Seen) error {
	list := make([]page, len(pages))
	for i, s := range pages {
		list[i] = page{
			Site: q.Site, At: s.At, Host: s.Host, Title: s.Title, Referrer: s.Referrer, Address: s.Addr,
			Agent: s.Agent, Language: s.Language, Country: s.Country, Visitor: s.Visitor,
		}
		if strings.HasPrefix(s.URL, "/") {
			list[i].Path = s.URL
		} else {
			list[i].URL = s.URL
		}
	}
	body, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("queue %d pages: %w", len(pages), err)
	}
	size := int64(len(body))
	if !q.reserve(size) {
		return fmt.Errorf("queue %d pages: %w", len(pages), ErrFull)
	}
	if _, err := q.db.ExecContext(ctx, "INSERT INTO requests (key, body) VALUES (?, ?)", rand.Text(), body); err != nil {
		q.release(size)
		return fmt.Errorf("queue %d pages: %w", len(pages), err)
	}
	select {
	case q.came <- struct{}{}:
	default:
	}
	return nil
}

func (q *Queue) reserve(size int64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.bytes+size > q.Bytes {
		return false
	}
	q.bytes += size
	return true
}

func (q *Queue) release(size int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bytes -= size
}

// The waits between two attempts.
const (
	shortWait = 100 * time.Millisecond
	longWait  = time.Minute
)

// Run sends what waits, the oldest first, until ctx ends.
func (q *Queue) Run(ctx context.Context) error {
	wait := shortWait
	for {
		sent, after, err := q.sendOldest(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			q.Logger.Warn("pages are not sent yet", "error", err, "waiting_bytes", q.Waiting())
			wait = min(2*wait, longWait)
			after = max(after, wait/2+mathrand.N(wait/2)) // so that many do not come at once
		case sent:
			wait = shortWait
			continue
		}
		if !q.sleep(ctx, after) {
			return ctx.Err()
		}
	}
}

// sleep waits for a time, or for something to come in where it is zero.
func (q *Queue) sleep(ctx context.Context, d time.Duration) bool {
	came, over := q.came, (<-chan time.Time)(nil)
	if d > 0 {
		came, over = nil, time.After(d)
	}
	select {
	case <-came:
	case <-over:
	case <-ctx.Done():
		return false
	}
	return true
}

// sendOldest sends one batch. After is how long the server wants to be left
// alone.
func (q *Queue) sendOldest(ctx context.Context) (sent bool, after time.Duration, err error) {
	var id int64
	var key string
	var body []byte
	err = q.db.QueryRowContext(ctx, "SELECT id, key, body FROM requests ORDER BY id LIMIT 1").Scan(&id, &key, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return false, 0, nil
	}
	if err == nil {
		after, err = q.post(ctx, key, body)
	}
	if err == nil {
		_, err = q.db.ExecContext(ctx, "DELETE FROM requests WHERE id = ?", id)
	}
	if err != nil {
		return false, after, err
	}
	q.release(int64(len(body)))
	return true, 0, nil
}

// post sends a batch. An error means that it is to be sent again: also when
// the token is refused, since its owner can mend that.
func (q *Queue) post(ctx context.Context, key string, body []byte) (after time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(q.URL, "/")+"/api/v1/pageviews", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+q.Token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", key)
	res, err := q.Client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	switch {
	case res.StatusCode == http.StatusOK && err == nil:
		return 0, nil
	case res.StatusCode == http.StatusBadRequest, res.StatusCode == http.StatusUnprocessableEntity, res.StatusCode == http.StatusRequestEntityTooLarge:
		q.Logger.Error("the server refused pages for good", "status", res.StatusCode, "answer", string(answer[:min(len(answer), 500)]))
		return 0, nil
	case err != nil:
		return 0, err
	}
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil {
		after = min(max(time.Duration(seconds)*time.Second, 0), longWait)
	}
	return after, fmt.Errorf("%s answered %s", q.URL, res.Status)
}
