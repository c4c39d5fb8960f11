package courier

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/beforehand-go/beforehand/outbox"
	"golang.org/x/sync/errgroup"
)

const (
	atOnce = 4                   // messages that are on their way at once
	batch  = 20                  // messages that are read at once
	most   = time.Minute         // for one message
	keep   = 90 * 24 * time.Hour // how long it is kept what became of a message
)

// Courier brings messages. One process at a time carries, as a job does.
type Courier struct {
	Outbox outbox.Store
	Mailer *Mailer          // nil means that no mail can be sent
	Hooks  map[string]*Hook // by name
}

// Close lets go of connections that are kept.
func (c *Courier) Close() {
	for _, h := range c.Hooks {
		h.Close()
	}
}

// Run is what a run of a job is told by Carry.
type Run interface {
	Logger() *slog.Logger
	Progress(done, total int64, line string)
}

// Carry tries everything that is due and notes what became of it; it also
// forgets what ended long ago. It fails when the outbox does.
func (c *Courier) Carry(ctx context.Context, run Run) error {
	if _, err := c.Outbox.Purge(ctx, time.Now().Add(-keep)); err != nil {
		return err
	}
	began, done := time.Now(), int64(0)
	for {
		list, err := c.Outbox.Due(ctx, began, batch)
		if err != nil || len(list) == 0 {
			return err
		}
		run.Progress(done, done+int64(len(list)), "")
		var g errgroup.Group
		g.SetLimit(atOnce)
		for _, m := range list {
			g.Go(func() error { return c.try(ctx, m, run.Logger()) })
		}
		if err := g.Wait(); err != nil {
			return err
		}
		done += int64(len(list))
		run.Progress(done, done, "")
	}
}

// try tries one message. What is cut short by the end of the process counts as
// no attempt.
func (c *Courier) try(ctx context.Context, m outbox.Message, log *slog.Logger) error {
	err := c.send(ctx, m)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	tried := m.Tried(time.Now(), err)
	log = log.With("message", m.ID(), "kind", m.Kind, "way", string(m.Way), "recipient", m.Recipient, "attempt", tried.Attempts)
	switch tried.State {
	case outbox.Sent:
		log.Info("message sent")
	case outbox.GivenUp:
		log.Error("message given up", "error", err)
	default:
		log.Warn("message not sent; it is tried again", "next", tried.Next, "error", err)
	}
	return c.Outbox.Note(ctx, tried)
}

func (c *Courier) send(ctx context.Context, m outbox.Message) error {
	ctx, cancel := context.WithTimeoutCause(ctx, most, fmt.Errorf("it took longer than %s", most))
	defer cancel()
	switch m.Way {
	case outbox.Mail:
		if c.Mailer == nil {
			return fmt.Errorf("no mail server is configured: set mail.server")
		}
		return c.Mailer.Send(ctx, m.Recipient, m.Body)
	case outbox.Webhook:
		h := c.Hooks[m.Recipient]
		if h == nil {
			return fmt.Errorf("no webhook is called %q", m.Recipient)
		}
		return h.Send(ctx, m.ID(), m.Body)
	}
	return &outbox.NeverError{Err: fmt.Errorf("nobody knows the way %q", m.Way)}
}
