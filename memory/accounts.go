package memory

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/beforehand-go/beforehand/account"
)

// accounts keeps what is known of people.
type accounts struct {
	mu   sync.Mutex
	kept map[account.Kind]map[string]account.Record
}

// Accounts returns the store of accounts.
func (s *State) Accounts() account.Store { return &s.accounts }

// Get implements account.Store.
func (s *accounts) Get(_ context.Context, kind account.Kind, key string) (account.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.kept[kind][key]
	if !ok {
		return r, account.ErrUnknown
	}
	return cloneRecord(r), nil
}

func cloneRecord(r account.Record) account.Record {
	r.Body = slices.Clone(r.Body)
	return r
}

// List implements account.Store.
func (s *accounts) List(_ context.Context, kind account.Kind, before string, limit int) ([]account.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []account.Record
	for key, r := range s.kept[kind] {
		if before == "" || key < before {
			list = append(list, cloneRecord(r))
		}
	}
	slices.SortFunc(list, func(a, b account.Record) int { return strings.Compare(b.Key, a.Key) })
	if limit > 0 {
		list = list[:min(len(list), limit)]
	}
	return list, nil
}

// Write implements account.Store.
func (s *accounts) Write(_ context.Context, changes []account.Change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range changes {
		if s.kept[c.Kind][c.Key].Version != c.Version {
			return account.ErrChanged
		}
	}
	for _, c := range changes {
		s.put(c)
	}
	return nil
}

func (s *accounts) put(c account.Change) {
	if c.Delete {
		delete(s.kept[c.Kind], c.Key)
		return
	}
	if s.kept == nil {
		s.kept = map[account.Kind]map[string]account.Record{}
	}
	if s.kept[c.Kind] == nil {
		s.kept[c.Kind] = map[string]account.Record{}
	}
	r := cloneRecord(c.Record)
	r.Version++
	s.kept[c.Kind][c.Key] = r
}

// Purge implements account.Store.
func (s *accounts) Purge(_ context.Context, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, records := range s.kept {
		for key, r := range records {
			if !r.Until.IsZero() && !r.Until.After(now) {
				delete(records, key)
			}
		}
	}
	return nil
}
