package memory

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/beforehand-go/beforehand/outbox"
)

// messages keeps what is to be told to somebody outside.
type messages struct {
	mu   sync.Mutex
	kept map[string]outbox.Message // by ID
}

// Outbox returns the store of messages.
func (s *State) Outbox() outbox.Store { return &s.messages }

// Put implements outbox.Store.
func (s *messages) Put(_ context.Context, list ...outbox.Message) (added int, err error) {
	for i := range list {
		if err := list[i].Check(); err != nil {
			return 0, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range list {
		if s.put(m) {
			added++
		}
	}
	return added, nil
}

// put adds a message that is not there. The mutex is held.
func (s *messages) put(m outbox.Message) bool {
	if _, there := s.kept[m.ID()]; there {
		return false
	}
	if s.kept == nil {
		s.kept = map[string]outbox.Message{}
	}
	m.Body = bytes.Clone(m.Body)
	s.kept[m.ID()] = m.New()
	return true
}

// some gives the messages that are asked for, in an order.
func (s *messages) some(limit int, want func(*outbox.Message) bool, order func(a, b outbox.Message) int) []outbox.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []outbox.Message
	for _, m := range s.kept {
		if want(&m) {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b outbox.Message) int { return cmp.Or(order(a, b), cmp.Compare(a.ID(), b.ID())) })
	return list[:min(limit, len(list))]
}

// Due implements outbox.Store.
func (s *messages) Due(_ context.Context, by time.Time, limit int) ([]outbox.Message, error) {
	return s.some(limit, func(m *outbox.Message) bool { return m.State == outbox.Waiting && !m.Next.After(by) },
		func(a, b outbox.Message) int { return a.Next.Compare(b.Next) }), nil
}

// Note implements outbox.Store.
func (s *messages) Note(_ context.Context, tried outbox.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, there := s.kept[tried.ID()]
	if there && m.State == outbox.Waiting && m.Attempts == tried.Attempts-1 {
		s.kept[tried.ID()] = tried
	}
	return nil
}

// Retry implements outbox.Store.
func (s *messages) Retry(_ context.Context, id string, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, there := s.kept[id]
	switch {
	case !there:
		return outbox.ErrUnknown
	case m.State == outbox.Sent:
		return outbox.ErrSent
	}
	said := m.Error
	m = m.New()
	m.Next, m.Error = at, said
	s.kept[id] = m
	return nil
}

// Find implements outbox.Store.
func (s *messages) Find(_ context.Context, id string) (outbox.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, there := s.kept[id]
	if !there {
		return m, outbox.ErrUnknown
	}
	return m, nil
}

// List implements outbox.Store.
func (s *messages) List(_ context.Context, q outbox.Query) ([]outbox.Message, error) {
	list := s.some(q.Limit, func(m *outbox.Message) bool {
		return (q.State == "" || q.State == m.State) && (q.Site == "" || q.Site == m.Site)
	}, func(a, b outbox.Message) int { return b.Created.Compare(a.Created) })
	for i := range list {
		list[i].Body = nil
	}
	return list, nil
}

// Purge implements outbox.Store.
func (s *messages) Purge(_ context.Context, before time.Time) (deleted int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, m := range s.kept {
		if m.State != outbox.Waiting && m.Ended.Before(before) {
			delete(s.kept, id)
			deleted++
		}
	}
	return deleted, nil
}
