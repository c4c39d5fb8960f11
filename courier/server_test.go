package courier_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"slices"
	"sync"
	"testing"

	"github.com/beforehand-go/beforehand/courier"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// mailServer is an SMTP server that keeps what it is given. Its fields say how
// it behaves; they are not changed while it is used.
type mailServer struct {
	addr   string
	ways   []string                       // how a password can be told; none means that none is wanted
	refuse func(step, about string) error // nil means that everything is taken

	mu    sync.Mutex
	mails []taken
}

// taken is a mail that a server has taken.
type taken struct {
	from, to, text, user string
	secret               bool
}

func (s *mailServer) all() []taken {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// localTLS is a certificate of 127.0.0.1 and what trusts it.
func localTLS(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return &tls.Config{Certificates: s.TLS.Certificates}, &tls.Config{RootCAs: pool}
}

// start starts the server with a kind of security, and gives a mailer for it.
func (s *mailServer) start(t *testing.T, security courier.Security) *courier.Mailer {
	t.Helper()
	server, client := localTLS(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	backend := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{server: s, conn: c}, nil
	}))
	backend.ErrorLog = log.New(io.Discard, "", 0)
	backend.Domain, backend.AllowInsecureAuth = "localhost", security == courier.Plain
	switch security {
	case courier.StartTLS:
		backend.TLSConfig = server
	case courier.TLS:
		l = tls.NewListener(l, server)
	}
	var serving sync.WaitGroup
	serving.Go(func() { backend.Serve(l) })
	t.Cleanup(func() {
		if err := backend.Close(); err != nil {
			t.Error(err)
		}
		serving.Wait()
	})
	return &courier.Mailer{Server: s.addr, Security: security, From: mail.Address{Name: "Statistics", Address: "stats@example.org"}, TLS: client}
}

// session is one connection to a mailServer.
type session struct {
	server *mailServer
	conn   *smtp.Conn
	mail   taken
}

func (s *session) step(step, about string) error {
	if s.server.refuse == nil {
		return nil
	}
	return s.server.refuse(step, about)
}

func (s *session) Reset()                   { s.mail = taken{user: s.mail.user} }
func (s *session) Logout() error            { return nil }
func (s *session) AuthMechanisms() []string { return s.server.ways }

func (s *session) Auth(way string) (sasl.Server, error) {
	check := func(user, password string) error {
		if password != "s3cret" {
			return errors.New("wrong password")
		}
		s.mail.user = user
		return nil
	}
	if way == "LOGIN" {
		return &loginServer{check: check}, nil
	}
	return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
}

// loginServer asks for user and password as servers do that know LOGIN alone.
type loginServer struct {
	check func(user, password string) error
	said  []string
}

func (s *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	if response != nil {
		s.said = append(s.said, string(response))
	}
	switch len(s.said) {
	case 0:
		return []byte("Username:"), false, nil
	case 1:
		return []byte("Password:"), false, nil
	}
	return nil, true, s.check(s.said[0], s.said[1])
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if len(s.server.ways) > 0 && s.mail.user == "" {
		return smtp.ErrAuthRequired
	}
	s.mail.from = from
	return s.step("mail", from)
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.to = to
	return s.step("rcpt", to)
}

func (s *session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	_, s.mail.secret = s.conn.TLSConnectionState()
	s.mail.text = string(text)
	s.server.mu.Lock()
	s.server.mails = append(s.server.mails, s.mail)
	s.server.mu.Unlock()
	return s.step("data", s.mail.to)
}
