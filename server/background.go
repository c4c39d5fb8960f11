package server

import (
	"context"
	"sync"
)

// background is what readers have begun and nobody may wait for. Who owns it waits
// for its end.
type background struct {
	mu   sync.Mutex
	ctx  context.Context // nil before begin
	work sync.WaitGroup
}

// begin lets work begin. It is ended, and has ended, once ctx is and the returned
// function returns.
func (b *background) begin(ctx context.Context) (wait func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ctx = ctx
	return func() {
		b.mu.Lock()
		b.ctx = nil
		b.mu.Unlock()
		b.work.Wait()
	}
}

// do calls f on a goroutine of its own, and tells whether it does: not where
// nobody would wait for it.
func (b *background) do(f func(ctx context.Context)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctx == nil || b.ctx.Err() != nil {
		return false
	}
	ctx := b.ctx
	b.work.Go(func() { f(ctx) })
	return true
}
