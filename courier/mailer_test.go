package courier_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/courier"
	"github.com/beforehand-go/beforehand/outbox"
	"github.com/emersion/go-smtp"
)

func TestMailIsHandedOver(t *testing.T) {
	for _, c := range []struct {
		name     string
		security courier.Security
		ways     []string
	}{
		{"in secret after STARTTLS, with a password", courier.StartTLS, []string{"PLAIN"}},
		{"in secret from the first byte, with LOGIN alone", courier.TLS, []string{"LOGIN"}},
		{"in the clear on this machine, without a password", courier.Plain, nil},
		{"in the clear on this machine, with a password", courier.Plain, []string{"PLAIN", "LOGIN"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &mailServer{ways: c.ways}
			m := s.start(t, c.security)
			if len(c.ways) > 0 {
				m.User, m.Password = "stats", "s3cret"
			}
			const text = "Subject: a\r\n\r\n.\r\n..dots\r\n"
			if err := m.Send(t.Context(), "owner@example.org", []byte(text)); err != nil {
				t.Fatal(err)
			}
			want := taken{from: "stats@example.org", to: "owner@example.org", text: text, user: m.User, secret: c.security != courier.Plain}
			if got := s.all(); len(got) != 1 || got[0] != want {
				t.Errorf("\n got %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestMailIsNotHandedOver(t *testing.T) {
	never := func(err error) bool {
		var never *outbox.NeverError
		return errors.As(err, &never)
	}
	answer := func(at string, code int) func(string, string) error {
		return func(step, _ string) error {
			if step == at {
				return &smtp.SMTPError{Code: code, Message: "so it is"}
			}
			return nil
		}
	}
	for _, c := range []struct {
		name     string
		security courier.Security
		refuse   func(step, about string) error
		spoil    func(m *courier.Mailer)
		want     string
		never    bool
	}{
		{name: "no such person", security: courier.Plain, refuse: answer("rcpt", 550), want: "it does not take mail for a@example.org: 550", never: true},
		{name: "come back later", security: courier.Plain, refuse: answer("rcpt", 451), want: "451"},
		{name: "the mail is refused for good", security: courier.Plain, refuse: answer("data", 554), want: "it does not take the mail: 554", never: true},
		{name: "the mail is refused for now", security: courier.Plain, refuse: answer("data", 452), want: "452"},
		{name: "a wrong password may become a right one", security: courier.TLS, want: "it refuses user and password", spoil: func(m *courier.Mailer) { m.User, m.Password = "stats", "wrong" }},
		{name: "nobody is known by the certificate", security: courier.TLS, want: "certificate", spoil: func(m *courier.Mailer) { m.TLS = nil }},
		{name: "no STARTTLS", security: courier.Plain, want: "it has no STARTTLS", spoil: func(m *courier.Mailer) { m.Security = courier.StartTLS }},
		{name: "a password is wanted of who has none", security: courier.Plain, want: "it takes no password", spoil: func(m *courier.Mailer) { m.User = "stats" }},
		{name: "nobody is there", security: courier.Plain, want: "reach mail server", spoil: func(m *courier.Mailer) { m.Server = "127.0.0.1:1" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &mailServer{refuse: c.refuse}
			if strings.Contains(c.name, "wrong password") {
				s.ways = []string{"PLAIN"}
			}
			m := s.start(t, c.security)
			if c.spoil != nil {
				c.spoil(m)
			}
			err := m.Send(t.Context(), "a@example.org", []byte("a: b\r\n\r\n"))
			if err == nil || !strings.Contains(err.Error(), c.want) || never(err) != c.never {
				t.Errorf("%v, never again %t; want %q, %t", err, never(err), c.want, c.never)
			}
		})
	}
}

// A server that says nothing ends with the context.
func TestASilentServerIsLeft(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m := &courier.Mailer{Server: l.Addr().String(), Security: courier.Plain, From: mail.Address{Address: "a@example.org"}}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("it took too long"))
	defer cancel()
	if err := m.Send(ctx, "a@example.org", nil); err == nil || !strings.Contains(err.Error(), "it took too long") {
		t.Error(err)
	}
}

// parts are the parts of a letter by their type.
func parts(t *testing.T, m *mail.Message) map[string]string {
	t.Helper()
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type"))
		all[kind] = string(text)
	}
}

func letter() courier.Letter {
	return courier.Letter{
		ID: "0123", From: mail.Address{Name: "Stätistik", Address: "stats@example.org"}, To: "owner@example.org", ReplyTo: "help@example.org",
		Subject: "博客：上周 1,234 次浏览", Date: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), Language: "zh",
		Text: "你好\nzweite Zeile\n", HTML: "<p>你好</p>\n", Unsubscribe: true,
	}
}

func TestLetter(t *testing.T) {
	l := letter()
	text := l.Bytes()
	if !bytes.Equal(text, l.Bytes()) {
		t.Error("the same letter is not the same bytes")
	}
	for line := range strings.SplitSeq(string(text), "\r\n") {
		if len(line) > 998 || strings.ContainsAny(line, "\r\n") {
			t.Errorf("a line that no mail may have: %q", line)
		}
	}
	m, err := mail.ReadMessage(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != l.Subject {
		t.Errorf("subject %q, %v", subject, err)
	}
	from, err := m.Header.AddressList("From")
	if err != nil || *from[0] != l.From {
		t.Errorf("from %v, %v", from, err)
	}
	for name, want := range map[string]string{
		"Message-Id": "<0123@example.org>", "To": "<owner@example.org>", "Reply-To": "<help@example.org>",
		"Auto-Submitted": "auto-generated", "List-Unsubscribe": "<mailto:help@example.org?subject=unsubscribe>",
		"Content-Language": "zh", "Date": "Mon, 02 Mar 2026 08:00:00 +0000",
	} {
		if got := m.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	got := parts(t, m)
	if got["text/plain"] != "你好\r\nzweite Zeile\r\n" || got["text/html"] != "<p>你好</p>\r\n" {
		t.Errorf("%q", got)
	}
}

// What visitors and owners wrote adds no header, no recipient and no part.
func TestNothingIsPutIntoALetter(t *testing.T) {
	for _, attack := range []string{
		"a\r\nBcc: victim@example.org", "a\nBcc: victim@example.org\n\nbody", "a\rBcc: v", "=?utf-8?q?a=0D=0ABcc:_v?=",
		"a\r\n\r\n--=_0123\r\nContent-Type: text/html\r\n\r\n<script>", "\x00\r\n.\r\nMAIL FROM:<x>", strings.Repeat("長", 500),
	} {
		l := letter()
		l.Subject, l.Text, l.HTML, l.From.Name, l.Language = attack, attack, attack, attack, attack
		l.To, l.ReplyTo = "owner@example.org"+attack, "help@example.org"+attack
		m, err := mail.ReadMessage(bytes.NewReader(l.Bytes()))
		if err != nil {
			t.Fatalf("%q: %v", attack, err)
		}
		if len(m.Header) != 11 || m.Header.Get("Bcc") != "" {
			t.Errorf("%q: headers %v", attack, m.Header)
		}
		if got := parts(t, m); len(got) != 2 {
			t.Errorf("%q: parts %q", attack, got)
		}
	}
}
