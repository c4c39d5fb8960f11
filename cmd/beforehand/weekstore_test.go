package main

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// weekStore is a store of pageviews that notes what it has acknowledged, and how
// far it deleted.
type weekStore struct {
	pageviewStore

	mu       sync.Mutex
	kept     map[pageview.Source]int // that were acknowledged
	visitor  map[time.Time]uint64    // of the picture's, by the hour in which they came
	oldest   pageview.Day            // before which nothing is kept
	retained int                     // how often old pageviews were deleted
}

func (s *weekStore) Append(ctx context.Context, b pageview.Batch) error {
	if err := s.pageviewStore.Append(ctx, b); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range b.Pageviews {
		s.kept[v.Source]++
		if v.Source == pageview.SourcePixel {
			s.visitor[v.At.UTC().Truncate(time.Hour)] = v.Visitor
		}
	}
	return nil
}

func (s *weekStore) Retain(ctx context.Context, site string, before pageview.Day) (deleted int64, err error) {
	n, err := s.pageviewStore.Retain(ctx, site, before)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.oldest = before
		s.retained++
	}
	return n, err
}

// ballast is a file that takes the room on a disk.
type ballast struct{ path string }

// leave leaves so many bytes free, or none; with room it is taken away.
func (b ballast) leave(space func() (free, total uint64, err error), bytes uint64) error {
	f, err := os.OpenFile(b.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	for part := make([]byte, 64<<10); ; {
		free, _, err := space()
		switch {
		case err != nil:
			return err
		case free <= bytes:
			return nil
		}
		if _, err := f.Write(part[:min(uint64(len(part)), free-bytes)]); err != nil {
			return nil // there is less than was said
		}
	}
}

func (b ballast) away() error { return os.Remove(b.path) }
