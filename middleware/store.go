package middleware

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/pageview"
)

var _ Sink = (*Store)(nil)

// Store is the sink of a process that has the store of pageviews open.
type Store struct {
	Intake    *collect.Intake
	Site      *collect.Site
	Pageviews interface { // such as a pageview.Store
		Append(ctx context.Context, b pageview.Batch) error
	}
}

// Keep implements Sink. It waits while the store takes nothing in; a key keeps
// what is tried again from counting twice.
func (s *Store) Keep(ctx context.Context, pages []collect.Seen) error {
	var views []pageview.Pageview
	for i := range pages {
		v, left, err := s.Intake.Pageview(ctx, s.Site, &pages[i])
		if err != nil {
			return err
		}
		if left == "" {
			views = append(views, v)
		}
	}
	if len(views) == 0 {
		return nil
	}
	key := &pageview.Key{Token: "middleware", Name: rand.Text()}
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := s.Pageviews.Append(ctx, pageview.Batch{Pageviews: views, Key: key})
		switch {
		case err == nil, errors.Is(err, pageview.ErrRepeated):
			return nil
		case errors.Is(err, pageview.ErrClosed):
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
}
