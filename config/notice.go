package config

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"slices"
	"strconv"
	"strings"

	"github.com/beforehand-go/beforehand/courier"
	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/internal/yamlfile"
)

// Mail is what the file says of the server that mails are handed to.
type Mail struct {
	Server   string   `yaml:"server" help:"host:port of the mail server (SMTP), such as mail.example.org:587; no mail is sent unless given"`
	Security Security `yaml:"security" help:"starttls, tls, or none for a server on this machine; tls at port 465 and starttls at others unless given"`
	User     string   `yaml:"user" help:"user of the mail server; none unless given"`
	Password Secret   `yaml:"password" help:"its password; ${NAME} stands for a variable of the environment"`
	From     Mailbox  `yaml:"from" help:"whom mails are from, such as Statistics <stats@example.org>"`
	ReplyTo  Mailbox  `yaml:"reply_to" help:"who gets answers, and is asked to end a weekly mail; from unless given"`
}

// Check refuses a server that cannot be reached.
func (m *Mail) Check() error {
	if m.Server == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(m.Server)
	if err != nil {
		return yamlfile.At("server", fmt.Errorf("%q: write it like mail.example.org:587", m.Server))
	}
	if m.From.Address == "" {
		return yamlfile.At("server", errors.New("say with from whom mails are from"))
	}
	if m.Security == "" {
		m.Security = Security(courier.StartTLS)
		if port == "465" {
			m.Security = Security(courier.TLS)
		}
	}
	return nil
}

// Mailer is how mails are handed over; nil means that none are.
func (m *Mail) Mailer() (*courier.Mailer, error) {
	if m.Server == "" {
		return nil, nil
	}
	password, err := m.Password.Expand()
	if err != nil {
		return nil, fmt.Errorf("mail.password: %w", err)
	}
	return &courier.Mailer{Server: m.Server, Security: courier.Security(m.Security), User: m.User, Password: password, From: mail.Address(m.From)}, nil
}

// Webhook is what the file says of a URL that messages are posted to.
type Webhook struct {
	URL     Secret `yaml:"url,required" help:"where messages are posted to, as JSON; ${NAME} stands for a variable of the environment"`
	Secret  Secret `yaml:"secret" help:"signs what is posted, as Standard Webhooks has it; it is not signed unless given"`
	Private bool   `yaml:"private" help:"true allows an address that is not public, such as localhost"`
}

// Hook makes the hook; name is for errors.
func (w *Webhook) Hook(name string) (*courier.Hook, error) {
	url, err := w.URL.Expand()
	if err != nil {
		return nil, fmt.Errorf("webhooks.%s.url: %w", name, err)
	}
	secret, err := w.Secret.Expand()
	if err != nil {
		return nil, fmt.Errorf("webhooks.%s.secret: %w", name, err)
	}
	h, err := courier.NewHook(url, secret, w.Private)
	if err != nil {
		return nil, fmt.Errorf("webhooks.%s: %w", name, err)
	}
	return h, nil
}

// Tell is what the file says of who is told something.
type Tell struct {
	Mail     []Mailbox          `yaml:"mail" help:"addresses that get it by mail"`
	Hooks    []string           `yaml:"webhooks" help:"names of webhooks that get it"`
	Language *language.Language `yaml:"language" help:"the language it is told in: en or zh; that of the pages unless given"`
}

// Nobody tells whether nobody is told.
func (t *Tell) Nobody() bool { return len(t.Mail) == 0 && len(t.Hooks) == 0 }

// Weekly is what the file says of the report about a site's week.
type Weekly struct {
	Tell
	Trigger Trigger `yaml:"trigger" help:"when it is told, of the seven days before; weekly mon 08:00 unless given"`
}

// Alerts is what the file says of who is told what goes wrong.
type Alerts struct {
	Tell
	Failures *int      `yaml:"failures" help:"tell when a job failed so many times in a row; 3 unless given, 0 never"`
	Stale    *Duration `yaml:"stale" help:"tell when a job that fails has not succeeded for so long; 24h unless given, 0s never"`
	Traffic  *bool     `yaml:"traffic" help:"tell of an hour with far more or less pageviews than the same one of the weeks before; true unless given"`
}

// ServerAlerts is what the file says of who is told what goes wrong with the
// server, and with sites that say nothing of their own.
type ServerAlerts struct {
	Alerts
	Disk *Percent `yaml:"disk" help:"tell when less than this share of the disk is free; 10% unless given, 0% never"`
}

// Security is how a connection to a mail server is kept from others.
type Security courier.Security

// UnmarshalText refuses what is none of the three.
func (s *Security) UnmarshalText(text []byte) error {
	known := []courier.Security{courier.StartTLS, courier.TLS, courier.Plain}
	if !slices.Contains(known, courier.Security(text)) {
		return fmt.Errorf("%q: allowed are starttls, tls and none", text)
	}
	*s = Security(text)
	return nil
}

// Mailbox is an address of mail, with a name or without.
type Mailbox mail.Address

// UnmarshalText refuses what is no address.
func (m *Mailbox) UnmarshalText(text []byte) error {
	a, err := mail.ParseAddress(string(text))
	if err != nil || strings.ContainsAny(a.Address, "\r\n\x00<>") {
		return fmt.Errorf("%q is no address of mail: write it like owner@example.org", text)
	}
	*m = Mailbox(*a)
	return nil
}

// Percent is a share in percent.
type Percent float64

// UnmarshalText reads a share such as 10%.
func (p *Percent) UnmarshalText(text []byte) error {
	v, err := strconv.ParseFloat(strings.TrimSuffix(string(text), "%"), 64)
	if err != nil || v < 0 || v >= 100 || !strings.HasSuffix(string(text), "%") {
		return fmt.Errorf("%q is no share: write it like 10%%", text)
	}
	*p = Percent(v)
	return nil
}

// checkTold refuses recipients that nothing can be sent to.
func (f *File) checkTold() error {
	check := func(t *Tell, key, of string) error {
		if len(t.Mail) > 0 && f.Mail.Server == "" {
			return yamlfile.At(key, fmt.Errorf("%s are told by mail, and no mail server is set: give mail.server", of))
		}
		for _, name := range t.Hooks {
			if _, ok := f.Webhooks[name]; !ok {
				return yamlfile.At(key, fmt.Errorf("%s are told by a webhook %q, which webhooks has not", of, name))
			}
		}
		return nil
	}
	err := check(&f.Alerts.Tell, "alerts", "alerts")
	for i := range f.Sites {
		s := &f.Sites[i]
		if err == nil && s.Weekly != nil {
			err = check(&s.Weekly.Tell, "sites", "weeks of site "+s.Name)
		}
		if err == nil && s.Alerts != nil {
			err = check(&s.Alerts.Tell, "sites", "alerts of site "+s.Name)
		}
	}
	return err
}
