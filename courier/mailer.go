package courier

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/outbox"
)

// Security is how a connection to a mail server is kept from others.
type Security string

// The kinds of security.
const (
	StartTLS Security = "starttls" // begun in the clear and made secret before anything is told
	TLS      Security = "tls"      // secret from the first byte on
	Plain    Security = "none"     // not at all: for a server on the same machine
)

// Mailer hands mails to a server by SMTP.
type Mailer struct {
	Server   string // host:port
	Security Security
	User     string // empty means that the server wants none
	Password string
	From     mail.Address
	TLS      *tls.Config // by which the server is trusted; nil means by the system's certificates

	// Dial connects to the server; nil means as usual.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Send hands a mail, head and body, to the server for one recipient.
func (m *Mailer) Send(ctx context.Context, to string, text []byte) error {
	c, end, err := m.connect(ctx)
	if err != nil {
		return fmt.Errorf("reach mail server %s: %w", m.Server, because(ctx, err))
	}
	defer end()
	if err := m.greet(c); err != nil {
		return fmt.Errorf("mail server %s: %w", m.Server, because(ctx, err))
	}
	if err := deliver(c, m.From.Address, to, text); err != nil {
		return fmt.Errorf("mail server %s: %w", m.Server, because(ctx, err))
	}
	_ = c.Quit() // the mail is the server's by now
	return nil
}

// because puts the reason for which a context ended in the place of what a
// connection says of it.
func because(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// connect connects; the connection ends with ctx, or with end.
func (m *Mailer) connect(ctx context.Context) (c *smtp.Client, end func(), err error) {
	host, _, err := net.SplitHostPort(m.Server)
	if err != nil {
		return nil, nil, err
	}
	dial := m.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: 20 * time.Second}).DialContext
	}
	conn, err := dial(ctx, "tcp", m.Server)
	if err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	end = func() {
		stop()
		conn.Close()
	}
	over := conn
	if m.Security == TLS {
		over = tls.Client(conn, m.tls(host))
	}
	if c, err = smtp.NewClient(over, host); err != nil {
		end()
		return nil, nil, err
	}
	return c, end, nil
}

func (m *Mailer) tls(host string) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if m.TLS != nil {
		c = m.TLS.Clone()
	}
	c.ServerName = host
	return c
}

// greet says who we are, in secret where that is wanted.
func (m *Mailer) greet(c *smtp.Client) error {
	if err := c.Hello(hostName()); err != nil {
		return err
	}
	if m.Security == StartTLS {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return errors.New("it has no STARTTLS: set mail.security to tls, or to none for a server on this machine")
		}
		host, _, err := net.SplitHostPort(m.Server)
		if err != nil {
			return err
		}
		if err := c.StartTLS(m.tls(host)); err != nil {
			return err
		}
	}
	if m.User == "" {
		return nil
	}
	ok, ways := c.Extension("AUTH")
	if !ok {
		return errors.New("it takes no password: leave mail.user out")
	}
	host, _, _ := net.SplitHostPort(m.Server)
	auth := smtp.PlainAuth("", m.User, m.Password, host)
	if known := strings.Fields(strings.ToUpper(ways)); !slices.Contains(known, "PLAIN") && slices.Contains(known, "LOGIN") {
		auth = &login{user: m.User, password: m.Password}
	}
	if err := c.Auth(auth); err != nil {
		return fmt.Errorf("it refuses user and password: %w", err)
	}
	return nil
}

// hostName is what we call ourselves to a mail server.
func hostName() string {
	if name, err := os.Hostname(); err == nil && strings.Contains(name, ".") {
		return name
	}
	return "localhost"
}

// deliver hands over one mail. A recipient or a mail that is refused for good
// is not tried again; whatever else fails is.
func deliver(c *smtp.Client, from, to string, text []byte) error {
	if err := c.Mail(from); err != nil {
		return fmt.Errorf("it does not take mail from %s: %w", from, err)
	}
	if err := c.Rcpt(to); err != nil {
		return forGood(fmt.Errorf("it does not take mail for %s: %w", to, err))
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	if err := errors.Join(err, w.Close()); err != nil {
		return forGood(fmt.Errorf("it does not take the mail: %w", err))
	}
	return nil
}

// forGood marks an error that a mail server will answer with again.
func forGood(err error) error {
	var answer *textproto.Error
	if errors.As(err, &answer) && answer.Code >= 500 && answer.Code < 600 {
		return &outbox.NeverError{Err: err}
	}
	return err
}

// login is the way to show a password that some servers know alone.
type login struct{ user, password string }

// Start implements smtp.Auth.
func (a *login) Start(s *smtp.ServerInfo) (string, []byte, error) {
	if !s.TLS && s.Name != "localhost" && s.Name != "127.0.0.1" && s.Name != "::1" {
		return "", nil, errors.New("a password is not told over a connection that anybody can read")
	}
	return "LOGIN", nil, nil
}

// Next implements smtp.Auth.
func (a *login) Next(asked []byte, more bool) ([]byte, error) {
	switch question := strings.ToLower(string(asked)); {
	case !more:
		return nil, nil
	case strings.HasPrefix(question, "user"):
		return []byte(a.user), nil
	case strings.HasPrefix(question, "pass"):
		return []byte(a.password), nil
	}
	return nil, errors.New("it asks for what nobody knows")
}
