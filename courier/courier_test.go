package courier_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/courier"
	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/outbox"
	"github.com/emersion/go-smtp"
)

func hook(t *testing.T, url, secret string, private bool) *courier.Hook {
	t.Helper()
	h, err := courier.NewHook(url, secret, private)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

func TestAHookIsSigned(t *testing.T) {
	key := []byte("a key of some length")
	for secret, key := range map[string][]byte{"whsec_" + base64.StdEncoding.EncodeToString(key): key, "plain words": []byte("plain words"), "": nil} {
		var got http.Header
		var body []byte
		s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			got = r.Header
			body, _ = io.ReadAll(r.Body)
		}))
		if err := hook(t, s.URL+"/hook", secret, true).Send(t.Context(), "0123", []byte(`{"a":1}`)); err != nil {
			t.Fatal(err)
		}
		s.Close()
		m := hmac.New(sha256.New, key)
		fmt.Fprintf(m, "%s.%s.%s", "0123", got.Get("Webhook-Timestamp"), body)
		want := "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))
		if key == nil {
			want = ""
		}
		if got.Get("Webhook-Signature") != want || got.Get("Webhook-Id") != "0123" || got.Get("Content-Type") != "application/json" || string(body) != `{"a":1}` {
			t.Errorf("%s: %v %s", secret, got, body)
		}
	}
	if _, err := courier.NewHook("https://example.org", "whsec_§", false); err == nil {
		t.Error("a key that is no base64 was taken")
	}
	if _, err := courier.NewHook("file:///etc/passwd", "", false); err == nil {
		t.Error("a file was taken for a hook")
	}
}

func TestAHookThatDoesNotTake(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	defer elsewhere.Close()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/gone":
			http.Error(w, "gone", http.StatusGone)
		case "/led":
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		case "/long":
			w.WriteHeader(http.StatusInternalServerError)
			io.WriteString(w, strings.Repeat("x", 1<<20))
		}
	}))
	defer s.Close()
	for _, c := range []struct {
		url     string
		private bool
		want    string
		never   bool
	}{
		{s.URL + "/gone", true, "the answer is 410", true},
		{s.URL + "/led", true, "the answer is 307", false},
		{s.URL + "/long", true, "the answer is 500", false},
		{s.URL + "/s3cret", false, "not a public address", false},
		{"http://169.254.169.254/s3cret", false, "not a public address", false},
		{"http://127.0.0.1:1/s3cret", true, "connection refused", false},
	} {
		err := hook(t, c.url, "k", c.private).Send(t.Context(), "0123", []byte("{}"))
		var never *outbox.NeverError
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.As(err, &never) != c.never || len(err.Error()) > 500 {
			t.Errorf("%s: %v", c.url, err)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the error tells the path of the URL: %v", err)
		}
	}
}

func put(t *testing.T, box outbox.Store, way outbox.Way, recipients ...string) {
	t.Helper()
	for _, r := range recipients {
		m := outbox.Message{Kind: "test", Way: way, Recipient: r, Tick: "t", Body: []byte("a: b\r\n\r\n"), Created: time.Now()}
		if _, err := box.Put(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

func states(t *testing.T, box outbox.Store) map[string]outbox.Message {
	t.Helper()
	list, err := box.List(t.Context(), outbox.Query{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]outbox.Message{}
	for _, m := range list {
		by[m.Recipient] = m
	}
	return by
}

// told is a run that tells nobody.
type told struct{ log *slog.Logger }

func (t told) Logger() *slog.Logger        { return t.log }
func (told) Progress(int64, int64, string) {}

var quiet = told{slog.New(slog.DiscardHandler)}

// Carry sends what can be sent, and what cannot is in nobody's way.
func TestCarry(t *testing.T) {
	s := &mailServer{refuse: func(step, about string) error {
		switch {
		case step != "rcpt":
		case strings.HasPrefix(about, "nobody"):
			return &smtp.SMTPError{Code: 550, Message: "no such person"}
		case strings.HasPrefix(about, "later"):
			return &smtp.SMTPError{Code: 451, Message: "busy"}
		}
		return nil
	}}
	var posted atomic.Int64
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { posted.Add(1) }))
	defer web.Close()
	box := memory.New().Outbox()
	c := &courier.Courier{
		Outbox: box, Mailer: s.start(t, courier.StartTLS), Hooks: map[string]*courier.Hook{"ops": hook(t, web.URL, "", true)},
	}
	var many []string
	for i := range 50 {
		many = append(many, fmt.Sprintf("reader%d@example.org", i))
	}
	put(t, box, outbox.Mail, append(many, "nobody@example.org", "later@example.org")...)
	put(t, box, outbox.Webhook, "ops", "unknown")
	for range 2 { // the second time nothing is due
		if err := c.Carry(t.Context(), quiet); err != nil {
			t.Fatal(err)
		}
	}
	by := states(t, box)
	for name, want := range map[string]outbox.State{
		"reader0@example.org": outbox.Sent, "reader49@example.org": outbox.Sent, "ops": outbox.Sent,
		"nobody@example.org": outbox.GivenUp, "later@example.org": outbox.Waiting, "unknown": outbox.Waiting,
	} {
		if m := by[name]; m.State != want || m.Attempts != 1 || (m.Error == "") != (want == outbox.Sent) {
			t.Errorf("%s: %+v, want %s", name, m, want)
		}
	}
	if n := len(s.all()); n != 50 || posted.Load() != 1 {
		t.Errorf("%d mails, %d posts", n, posted.Load())
	}
}

// A process that dies between sending and noting sends the same bytes again:
// who keeps the Message-ID sees that it is the same mail.
func TestWhatIsSentTwiceIsTheSame(t *testing.T) {
	s := &mailServer{}
	m := s.start(t, courier.Plain)
	box := memory.New().Outbox()
	l := letter()
	message := outbox.Message{Kind: "test", Way: outbox.Mail, Recipient: "a@example.org", Tick: "t", Body: l.Bytes(), Created: time.Now()}
	if _, err := box.Put(t.Context(), message); err != nil {
		t.Fatal(err)
	}
	ctx, die := context.WithCancel(t.Context())
	s.refuse = func(step, _ string) error {
		if step == "data" {
			die() // the server has it, and nobody hears of that
		}
		return nil
	}
	c := &courier.Courier{Outbox: box, Mailer: m}
	if err := c.Carry(ctx, quiet); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := c.Carry(t.Context(), quiet); err != nil {
		t.Fatal(err)
	}
	all := s.all()
	if len(all) != 2 || all[0].text != all[1].text || !strings.Contains(all[0].text, "Message-ID: <0123@example.org>") {
		t.Errorf("%+v", all)
	}
	if got := states(t, box)["a@example.org"]; got.State != outbox.Sent || got.Attempts != 1 {
		t.Errorf("%+v", got)
	}
}

// failing is an outbox that cannot note.
type failing struct{ outbox.Store }

func (failing) Note(context.Context, outbox.Message) error { return errors.New("the disk is full") }

func TestCarryFailsWithItsOutbox(t *testing.T) {
	box := memory.New().Outbox()
	put(t, box, outbox.Webhook, "unknown")
	var log strings.Builder
	c := &courier.Courier{Outbox: failing{box}}
	run := told{slog.New(slog.NewTextHandler(&log, nil))}
	if err := c.Carry(t.Context(), run); err == nil || err.Error() != "the disk is full" {
		t.Error(err)
	}
	if !strings.Contains(log.String(), `no webhook is called \"unknown\"`) {
		t.Error(log.String())
	}
}
