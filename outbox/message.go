package outbox

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Way is how a message gets to its recipient.
type Way string

// The ways.
const (
	Mail    Way = "mail"    // the recipient is an address
	Webhook Way = "webhook" // the recipient is the name of a URL
)

// State is how far a message is.
type State string

// The states.
const (
	Waiting State = "waiting"  // it is to be sent
	Sent    State = "sent"     // the next one on its way has taken it
	GivenUp State = "given_up" // it was tried often enough
)

// Message is what is to be told to one recipient.
type Message struct {
	Kind      string // what it is, such as weekly
	Way       Way
	Recipient string
	Tick      string // what it is about, such as the job and due instant of a tick
	Site      string // the site it tells of; empty means none
	Subject   string // one line for who looks at the outbox
	Body      []byte // exactly what is sent
	Created   time.Time

	// The rest changes when it is sent.
	State    State
	Attempts int
	Next     time.Time // when it is tried next, while it waits
	Ended    time.Time // when it was sent or given up
	Error    string    // what the last attempt met; empty where there was none
}

const (
	maxBody = 1 << 20
	maxText = 1000 // bytes of any other text
)

// Check refuses what no store takes.
func (m *Message) Check() error {
	switch {
	case m.Kind == "" || m.Recipient == "" || m.Tick == "":
		return errors.New("a message needs a kind, a recipient and what it is about")
	case m.Way != Mail && m.Way != Webhook:
		return fmt.Errorf("a message goes by %s or %s, not by %q", Mail, Webhook, m.Way)
	case len(m.Body) > maxBody:
		return fmt.Errorf("a message of %d bytes is longer than %d", len(m.Body), maxBody)
	}
	for _, text := range []string{m.Kind, m.Recipient, m.Tick, m.Site, m.Subject} {
		if len(text) > maxText || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			return fmt.Errorf("a message of kind %.40q has a text of more than %d bytes, or one that is no plain line", m.Kind, maxText)
		}
	}
	return nil
}

// New returns the message as it is put: waiting, for its Next or at once.
func (m Message) New() Message {
	m.State, m.Attempts, m.Ended, m.Error = Waiting, 0, time.Time{}, ""
	if m.Next.IsZero() {
		m.Next = m.Created
	}
	return m
}

// ID is the same for the same kind, way, recipient and tick, everywhere and at
// all times: 32 hexadecimal digits.
func (m *Message) ID() string {
	h := sha256.New()
	for _, text := range []string{m.Kind, string(m.Way), m.Recipient, m.Tick} {
		fmt.Fprintf(h, "%d:%s", len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// pauses are between attempts; after the last the message is given up, two
// days and some hours after it was first tried.
var pauses = [...]time.Duration{
	time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour,
	6 * time.Hour, 12 * time.Hour, 12 * time.Hour, 12 * time.Hour,
}

// Tried returns the message as it is after an attempt: sent where err is nil,
// else to be tried again, or given up when it was tried often enough or never
// will be of use.
func (m Message) Tried(at time.Time, err error) Message {
	m.Attempts++
	m.Error, m.Next, m.Ended = "", time.Time{}, time.Time{}
	if err == nil {
		m.State, m.Ended = Sent, at
		return m
	}
	m.Error = clip(err.Error())
	var never *NeverError
	if errors.As(err, &never) || m.Attempts > len(pauses) {
		m.State, m.Ended = GivenUp, at
		return m
	}
	m.State, m.Next = Waiting, at.Add(pauses[m.Attempts-1])
	return m
}

// clip makes a text one line that a store takes.
func clip(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	return strings.ToValidUTF8(text[:min(len(text), maxText)], "")
}

// NeverError is met by an attempt after which no other is of use.
type NeverError struct{ Err error }

func (e *NeverError) Error() string { return e.Err.Error() }
func (e *NeverError) Unwrap() error { return e.Err }
