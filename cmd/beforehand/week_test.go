package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-smtp"
	"golang.org/x/sync/errgroup"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/config"
	"github.com/beforehand-go/beforehand/database"
	"github.com/beforehand-go/beforehand/duckdb"
	"github.com/beforehand-go/beforehand/internal/acmetest"
	"github.com/beforehand-go/beforehand/internal/datadir"
	"github.com/beforehand-go/beforehand/listen"
	"github.com/beforehand-go/beforehand/outbox"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/snapshot"
	"github.com/beforehand-go/beforehand/sqlite"
)

const weekFile = `
mail: {server: "mail.example:25", security: none, from: stats@example.org}
alerts: {mail: owner@example.org}
sites:
  - name: blog
    zone: Europe/Berlin
    logs: %q
    retention: 2d
    weekly: {mail: owner@example.org}
`

// week is a server that lives through a week.
type week struct {
	t     *testing.T
	app   *app
	store *weekStore
	zone  *time.Location
	dir   string // on a disk of its own
	away  string // on another one, with what is the site's
	full  ballast
	acme  *listen.ACME
	asked *acmetest.Authority
	began time.Time
	hours int
	logs  bytes.Buffer

	mu       sync.Mutex
	mails    []string // that the mail server has taken
	mailDown bool
	accepted int // pageviews that were acknowledged
	refused  int
	fitted   int // into files that had room on the full disk
	lines    int // of the access log
}

// TestAWeekInTheLife lets a server live through a week of simulated time from a
// Sunday evening on, in its short form through the first 17 hours, with its
// pageviews in DuckDB and its state in SQLite on a disk of its own: an hour in
// which that is nearly full and two in which not a byte is left, a mail server that
// is away while the weekly mail is due, a certificate that somebody renews and
// others that it renews itself with an authority, and an access log that is
// rotated each midnight. Nobody does anything for it, and everything is as it
// should be.
func TestAWeekInTheLife(t *testing.T) {
	hours := 17
	if os.Getenv("BEFOREHAND_PROVE") == "1" {
		hours = 7 * 24
	}
	disk, outside, authority := smallDisk(t, "96m"), t.TempDir(), acmetest.New(t, 12*time.Hour)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(43 * time.Hour) // until the first Sunday of a bubble, at 20 o'clock in Berlin
		w := newWeek(t, disk, outside, authority)
		w.hours = hours
		ctx, stop := context.WithCancel(t.Context())
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { return w.app.site.Run(ctx) })
		g.Go(func() error { return w.app.keepSalts(ctx) })
		g.Go(func() error { return w.app.certificates.Run(ctx) })
		g.Go(func() error { return w.acme.Run(ctx) })
		g.Go(func() error { w.app.followLogs(ctx, w.file()); return nil })
		w.live(ctx)
		stop()
		if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		w.check()
		if err := w.app.close(); err != nil {
			t.Error(err)
		}
	})
}

func (w *week) file() *config.File {
	f, err := config.Load(filepath.Join(w.dir, config.FileName))
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

func newWeek(t *testing.T, disk, outside string, authority *acmetest.Authority) *week {
	w := &week{t: t, dir: disk, away: outside, asked: authority, began: time.Now(), full: ballast{filepath.Join(disk, "ballast")}}
	if err := os.WriteFile(filepath.Join(w.dir, config.FileName), fmt.Appendf(nil, weekFile, w.logFile()), 0o600); err != nil {
		t.Fatal(err)
	}
	dir, err := datadir.Open(w.dir, "test")
	if err != nil {
		t.Fatal(err)
	}
	key, err := dir.Key()
	if err != nil {
		t.Fatal(err)
	}
	state, err := sqlite.Open(dir.File(datadir.StateFile))
	if err != nil {
		t.Fatal(err)
	}
	pageviews, err := duckdb.Open(t.Context(), duckdb.Config{Path: dir.File(datadir.PageviewsFile), Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	w.store = &weekStore{pageviewStore: pageviews, kept: map[pageview.Source]int{}, visitor: map[time.Time]uint64{}}
	logger := slog.New(slog.NewTextHandler(&w.logs, &slog.HandlerOptions{Level: slog.LevelWarn}))
	w.app = &app{dir: dir, store: w.store, state: alone{state}, poll: time.Hour, databases: map[string]*database.DB{}, log: logger, space: diskSpace}
	c := appConfig{log: logger}
	if err := c.settle(stdio{strings.NewReader(""), io.Discard, io.Discard}, []string{"--data", w.dir}); err != nil {
		t.Fatal(err)
	}
	w.renew(3 * 24 * time.Hour)
	files, err := listen.OpenFiles(filepath.Join(w.away, "cert.pem"), filepath.Join(w.away, "key.pem"), logger)
	if err != nil {
		t.Fatal(err)
	}
	w.app.certificates = files
	w.acme, err = listen.NewACME(listen.ACMEConfig{
		Hosts: []string{"other.example"}, Directory: acmetest.Directory, Cache: dir.File(datadir.Certificates), Transport: authority, Logger: logger,
	})
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(w.app.assemble(t.Context(), c, collect.Key(key)), w.app.addRetention(t.Context(), c.file), w.app.addNotices(t.Context(), c.file))
	if err != nil {
		t.Fatal(err)
	}
	w.zone = w.app.sites[0].Zone
	w.app.courier.Mailer.Dial = w.dialMail
	return w
}

// alone is a state that nobody else writes to: nobody looks for hints of that
// many times a second, which takes long where a week is to pass.
type alone struct{ stateStore }

func (a alone) Snapshots() snapshot.Store { return unhinted{a.stateStore.Snapshots()} }

type unhinted struct{ snapshot.Store }

func (unhinted) Changed() <-chan struct{} { return nil }

// renew writes a certificate that is good for a while, as a program does that
// renews it.
func (w *week) renew(good time.Duration) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	v := &x509.Certificate{SerialNumber: big.NewInt(time.Now().Unix()), DNSNames: []string{"stats.example"}, NotBefore: time.Now(), NotAfter: time.Now().Add(good)}
	der, err := x509.CreateCertificate(rand.Reader, v, v, key.Public(), key)
	if err != nil {
		w.t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		w.t.Fatal(err)
	}
	err = errors.Join(
		os.WriteFile(filepath.Join(w.away, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(filepath.Join(w.away, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}), 0o600),
	)
	if err != nil {
		w.t.Fatal(err)
	}
}

// live lets a visitor look at a page each hour, at the half, and another be
// written into the log.
func (w *week) live(ctx context.Context) {
	h := w.app.server.Handler()
	for hour := range w.hours {
		now := w.began.Add(time.Duration(hour) * time.Hour).In(w.zone)
		if now.Hour() == 0 {
			w.rotate()
		}
		if hour == 10 {
			w.renew(90 * 24 * time.Hour)
		}
		w.fill(hour)
		w.mu.Lock()
		w.mailDown = now.Weekday() == time.Monday && now.Hour() >= 7 && now.Hour() < 11
		w.mu.Unlock()
		time.Sleep(30 * time.Minute)
		w.look(h)
		if hour == 8 || hour == 9 {
			w.lookUntilRefused(h, hour-7)
		}
		w.writeLine()
		time.Sleep(30 * time.Minute)
	}
}

// fill leaves little room on the disk in the eighth hour, and none in the two
// after it.
func (w *week) fill(hour int) {
	var err error
	space := func() (free, total uint64, err error) { return diskSpace(w.dir) }
	switch hour {
	case 7:
		_, total, _ := space()
		err = w.full.leave(space, total/20)
	case 8:
		err = w.full.leave(space, 0)
	case 10:
		err = w.full.away()
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// lookUntilRefused looks at a page, while nothing is left of the disk, until so
// many looks were refused: some fit into what files have of it already.
func (w *week) lookUntilRefused(h http.Handler, refused int) {
	for range 100 {
		if w.refused == refused {
			return
		}
		w.fill(8) // what was given back meanwhile
		w.look(h)
		w.fitted++
	}
}

// look looks at a page.
func (w *week) look(h http.Handler) {
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://stats.example/b.gif?u=https://blog.example/page", http.NoBody)
	r.RemoteAddr = "203.0.113.7:5000"
	r.Header.Set("Referer", "https://blog.example/page")
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0")
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	switch answer.Code {
	case http.StatusOK:
		w.accepted++
	case http.StatusServiceUnavailable:
		w.refused++
	default:
		w.t.Errorf("%s: %d %s", time.Now(), answer.Code, answer.Body)
	}
	if code := ask(h, "/readyz"); code != http.StatusOK {
		w.t.Errorf("%s: readyz says %d", time.Now(), code)
	}
}

func ask(h http.Handler, path string) int {
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequestWithContext(context.Background(), http.MethodGet, path, http.NoBody))
	return answer.Code
}

func (w *week) logFile() string { return filepath.Join(w.away, "access.log") }

func (w *week) writeLine() {
	f, err := os.OpenFile(w.logFile(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = fmt.Fprintf(f, "203.0.113.%d - - [%s] \"GET /log%d HTTP/1.1\" 200 5 \"-\" \"Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0\"\n",
		w.lines%200, time.Now().In(w.zone).Format("02/Jan/2006:15:04:05 -0700"), w.lines)
	if err := errors.Join(err, f.Close()); err != nil {
		w.t.Fatal(err)
	}
	w.lines++
}

// rotate does what logrotate does, keeping two.
func (w *week) rotate() {
	_ = os.Rename(w.logFile()+".1", w.logFile()+".2")
	_ = os.Rename(w.logFile(), w.logFile()+".1")
}

// dialMail connects to a mail server in the bubble.
func (w *week) dialMail(context.Context, string, string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mailDown {
		return nil, errors.New("connection refused")
	}
	ours, theirs := net.Pipe()
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &weekMail{week: w}, nil }))
	s.Domain, s.AllowInsecureAuth, s.ErrorLog = "mail.example", true, log.New(io.Discard, "", 0)
	go s.Serve(&oneConn{conn: theirs})
	return ours, nil
}

// oneConn is a listener to which one connection comes.
type oneConn struct {
	conn net.Conn
	once sync.Once
}

func (l *oneConn) Accept() (c net.Conn, err error) {
	err = net.ErrClosed
	l.once.Do(func() { c, err = l.conn, nil })
	return c, err
}
func (l *oneConn) Close() error   { return nil }
func (l *oneConn) Addr() net.Addr { return l.conn.LocalAddr() }

// weekMail takes one mail.
type weekMail struct{ week *week }

func (*weekMail) Reset()                               {}
func (*weekMail) Logout() error                        { return nil }
func (*weekMail) Mail(string, *smtp.MailOptions) error { return nil }
func (*weekMail) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (m *weekMail) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	m.week.mu.Lock()
	defer m.week.mu.Unlock()
	m.week.mails = append(m.week.mails, string(text))
	return err
}

// check holds that the week went as it should.
func (w *week) check() {
	t := w.t
	if w.refused != 2 || w.store.kept[pageview.SourcePixel] != w.accepted || w.accepted != w.hours-2+w.fitted {
		t.Errorf("%d accepted, %d kept, %d refused while the disk was full", w.accepted, w.store.kept[pageview.SourcePixel], w.refused)
	}
	if n := w.store.kept[pageview.SourceLog]; n != w.lines || n != w.hours {
		t.Errorf("%d lines of the log are kept, of %d", n, w.lines)
	}
	w.checkSalts()
	w.checkMessages()
	for _, end := range w.app.certificates.Expires() {
		if end.Sub(w.began) < 90*24*time.Hour {
			t.Errorf("the certificate in service ends at %s: nobody took the new one", end)
		}
	}
	if left := time.Until(w.acme.Expires()["other.example"]); left < 3*time.Hour || w.asked.Orders() < int64(w.hours)/9 {
		t.Errorf("the certificate of the authority is good for %s; %d were asked for", left, w.asked.Orders())
	}
	today := pageview.DayOf(time.Now().In(w.zone))
	if w.store.retained < w.hours/24 || w.store.oldest < today-3 {
		t.Errorf("old pageviews were deleted %d times, from before %s; today is %s", w.store.retained, w.store.oldest, today)
	}
	w.checkStore()
	w.checkLog()
}

// checkStore holds that what was acknowledged is there.
func (w *week) checkStore() {
	days, err := w.store.Sources(w.t.Context(), "blog", pageview.FirstDay, pageview.LastDay)
	if err != nil {
		w.t.Fatal(err)
	}
	there := map[pageview.Source]int{}
	for _, d := range days {
		there[d.Source] += int(d.Pageviews + d.Bots)
	}
	if !maps.Equal(there, w.store.kept) {
		w.t.Errorf("DuckDB has %v, and acknowledged %v", there, w.store.kept)
	}
}

// checkLog holds that the log says nothing bad but what a full disk and a mail
// server that is away are reason for.
func (w *week) checkLog() {
	full, room := w.began.Add(8*time.Hour), w.began.Add(10*time.Hour+30*time.Minute)
	for line := range strings.Lines(w.logs.String()) {
		text, _, _ := strings.Cut(strings.TrimPrefix(line, "time="), " ")
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			w.t.Fatal(err)
		}
		while := at.After(full) && at.Before(room)
		if !while && !strings.Contains(line, "message not sent; it is tried again") {
			w.t.Errorf("the log says: %s", line)
		}
	}
}

// checkSalts holds that a visitor is one for a local day, and another after
// midnight, and that no salt is older than it may be.
func (w *week) checkSalts() {
	now := time.Now().In(w.zone)
	first := time.Date(now.Year(), now.Month(), now.Day(), 0, 30, 0, 0, w.zone)
	at := func(d time.Duration) uint64 { return w.store.visitor[first.Add(d).UTC().Truncate(time.Hour)] }
	if at(0) == 0 || at(0) != at(10*time.Hour) || at(0) == at(-time.Hour) || at(-time.Hour) != at(-3*time.Hour) {
		w.t.Errorf("visitors around the last midnight: %d, %d, %d, %d", at(-3*time.Hour), at(-time.Hour), at(0), at(10*time.Hour))
	}
	days, err := w.app.state.Salts().Renewed(w.t.Context(), "blog")
	if err != nil || len(days) > 0 {
		w.t.Errorf("days whose salt was replaced: %v, %v", days, err)
	}
}

// checkMessages holds that the weekly mail came once, though the mail server was
// away, and that the owner heard of the full disk once and of nothing else.
func (w *week) checkMessages() {
	list, err := w.app.state.Outbox().List(w.t.Context(), outbox.Query{Limit: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	var told []string
	for _, m := range list {
		told = append(told, fmt.Sprintf("%s: %s in %d attempts", m.Subject, m.State, m.Attempts))
	}
	if len(told) != 3 {
		w.t.Errorf("messages: %s", strings.Join(told, "; "))
	}
	for subject, want := range map[string]int{"blog: ": 1, "The disk of ": 1, "The certificate of ": 1} {
		n := 0
		for _, text := range w.mails {
			if strings.Contains(text, "Subject: "+subject) {
				n++
			}
		}
		if n != want {
			w.t.Errorf("%d mails about %q, want %d; the outbox has %s", n, subject, want, strings.Join(told, "; "))
		}
	}
}
