package courier

import (
	"bytes"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"
)

// Letter is a mail before it is written down.
type Letter struct {
	ID          string // of its message
	From        mail.Address
	To          string // one address
	ReplyTo     string // one address; empty means that of From
	Subject     string
	Date        time.Time
	Language    string // such as en
	Text, HTML  string // the same, for whoever reads one of the two
	Unsubscribe bool   // it comes again and again: tell whom to ask to end that
}

// Bytes is the mail as it is sent. The same letter is always the same bytes.
func (l *Letter) Bytes() []byte {
	_, domain, _ := strings.Cut(l.From.Address, "@")
	var b bytes.Buffer
	head := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, oneLine(value)) }
	head("Date", l.Date.Format(time.RFC1123Z))
	head("From", l.From.String())
	head("To", (&mail.Address{Address: l.To}).String())
	if l.ReplyTo != "" {
		head("Reply-To", (&mail.Address{Address: l.ReplyTo}).String())
	}
	head("Subject", mime.QEncoding.Encode("utf-8", l.Subject))
	head("Message-ID", "<"+l.ID+"@"+domain+">")
	head("Auto-Submitted", "auto-generated")
	head("Content-Language", l.Language)
	if l.Unsubscribe {
		to := l.ReplyTo
		if to == "" {
			to = l.From.Address
		}
		head("List-Unsubscribe", "<mailto:"+to+"?subject=unsubscribe>")
	}
	head("MIME-Version", "1.0")
	// No text written as quoted-printable has "=_" in it.
	boundary := "=_" + l.ID
	head("Content-Type", `multipart/alternative; boundary="`+boundary+`"`)
	for _, part := range []struct{ kind, text string }{{"text/plain", l.Text}, {"text/html", l.HTML}} {
		fmt.Fprintf(&b, "\r\n--%s\r\nContent-Type: %s; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", boundary, part.kind)
		w := quotedprintable.NewWriter(&b)
		// Neither can fail: a buffer takes everything.
		_, _ = w.Write([]byte(strings.ReplaceAll(part.text, "\n", "\r\n")))
		_ = w.Close()
	}
	fmt.Fprintf(&b, "\r\n--%s--\r\n", boundary)
	return b.Bytes()
}

// oneLine keeps a value from beginning another header.
func oneLine(value string) string {
	return strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' || r == 0 {
			return ' '
		}
		return r
	}, value)
}
