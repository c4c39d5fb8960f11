package notice

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/mail"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/courier"
	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/outbox"
	"github.com/beforehand-go/beforehand/web"
)

// To is who gets messages, in which language.
type To struct {
	Mails    []string // addresses
	Hooks    []string // names of webhooks
	Language language.Language
}

// Nobody tells whether there is no recipient.
func (t To) Nobody() bool { return len(t.Mails) == 0 && len(t.Hooks) == 0 }

// Desk knows what all messages have in common.
type Desk struct {
	From    mail.Address
	ReplyTo string // an address; empty means that of From
	URL     string // of the server, without a slash at its end; empty means that it is not known
}

// link is the URL of a page of the server, or empty.
func (d *Desk) link(path string) string {
	if d.URL == "" {
		return ""
	}
	return strings.TrimSuffix(d.URL, "/") + path
}

// about names a message.
type about struct {
	kind, tick, site string
	at               time.Time
	again            bool // it comes regularly
}

// fact is one member of what a webhook is told.
type fact map[string]any

// messages writes a letter down for each recipient.
func (d *Desk) messages(to To, a about, l web.Letter, f fact) ([]outbox.Message, error) {
	head := outbox.Message{Kind: a.kind, Tick: a.tick, Site: a.site, Subject: plain(l.Subject), Created: a.at}
	var list []outbox.Message
	for _, address := range to.Mails {
		m := head
		m.Way, m.Recipient = outbox.Mail, address
		letter := courier.Letter{
			ID: m.ID(), From: d.From, To: address, ReplyTo: d.ReplyTo, Subject: m.Subject, Date: a.at,
			Language: to.Language.String(), Text: l.Text, HTML: l.HTML, Unsubscribe: a.again,
		}
		m.Body = letter.Bytes()
		list = append(list, m)
	}
	for _, name := range to.Hooks {
		m := head
		m.Way, m.Recipient = outbox.Webhook, name
		told := fact{"id": m.ID(), "kind": a.kind, "site": a.site, "at": a.at.UTC().Format(time.RFC3339), "text": m.Subject}
		maps.Copy(told, f)
		var err error
		if m.Body, err = json.Marshal(told); err != nil {
			return nil, fmt.Errorf("write %s for webhook %s: %w", a.kind, name, err)
		}
		list = append(list, m)
	}
	return list, nil
}

// maxSubject is the longest subject in bytes.
const maxSubject = 300

// plain makes a text a line that fits into a subject.
func plain(text string) string {
	text = strings.ToValidUTF8(strings.Join(strings.Fields(text), " "), "")
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, text)
	if len(text) > maxSubject {
		text = strings.ToValidUTF8(text[:maxSubject], "") + "…"
	}
	return text
}
