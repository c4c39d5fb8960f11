package outbox_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/outbox"
)

func TestAMessageIsGivenUpAfterTwoDays(t *testing.T) {
	began := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	m := outbox.Message{Kind: "weekly", Way: outbox.Mail, Recipient: "a@example.org", Tick: "t", Created: began}.New()
	now, last := m.Next, time.Duration(0)
	for m.State == outbox.Waiting {
		if m.Attempts > 20 {
			t.Fatal("it is never given up")
		}
		now = m.Next
		m = m.Tried(now, errors.New("no\r\nanswer\xff"))
		if m.State == outbox.Waiting && m.Next.Sub(now) < last {
			t.Errorf("attempt %d after %s, the one before after %s", m.Attempts, m.Next.Sub(now), last)
		}
		last = m.Next.Sub(now)
	}
	if took := now.Sub(began); took < 46*time.Hour || took > 50*time.Hour || m.State != outbox.GivenUp || !m.Ended.Equal(now) {
		t.Errorf("given up after %s: %+v", took, m)
	}
	if m.Error != "no  answer\uFFFD" {
		t.Errorf("%q", m.Error)
	}
	sent := outbox.Message{State: outbox.Waiting, Attempts: 3, Error: "no answer"}.Tried(now, nil)
	if sent.State != outbox.Sent || sent.Attempts != 4 || sent.Error != "" {
		t.Errorf("%+v", sent)
	}
}

func TestIDs(t *testing.T) {
	of := func(kind, way, recipient, tick string) string {
		m := outbox.Message{Kind: kind, Way: outbox.Way(way), Recipient: recipient, Tick: tick}
		return m.ID()
	}
	seen := map[string]string{}
	for _, v := range [][4]string{{"a", "b", "c", "d"}, {"ab", "", "c", "d"}, {"a", "bc", "", "d"}, {"a", "b", "c", "d "}, {"1:a", "b", "c", "d"}} {
		id := of(v[0], v[1], v[2], v[3])
		if other, there := seen[id]; there || len(id) != 32 {
			t.Errorf("%v: %s is that of %s", v, id, other)
		}
		seen[id] = fmt.Sprint(v)
	}
	// Receivers remember IDs: they are for ever.
	if id := of("weekly", "mail", "owner@example.org", "weekly/blog@2026-03-02T08:00:00Z"); id != "4f255fde725c078bcc5729608b88cd7c" {
		t.Error(id)
	}
}

func TestCheck(t *testing.T) {
	good := outbox.Message{Kind: "weekly", Way: outbox.Webhook, Recipient: "ops", Tick: "t", Subject: "你好"}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(m *outbox.Message){
		"no kind":          func(m *outbox.Message) { m.Kind = "" },
		"no recipient":     func(m *outbox.Message) { m.Recipient = "" },
		"no tick":          func(m *outbox.Message) { m.Tick = "" },
		"no way":           func(m *outbox.Message) { m.Way = "" },
		"a line in it":     func(m *outbox.Message) { m.Subject = "a\r\nBcc: b" },
		"no UTF-8":         func(m *outbox.Message) { m.Site = "\xff" },
		"a long recipient": func(m *outbox.Message) { m.Recipient = strings.Repeat("a", 1001) },
		"too large a body": func(m *outbox.Message) { m.Body = make([]byte, 1<<20+1) },
	} {
		m := good
		spoil(&m)
		if m.Check() == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
}
