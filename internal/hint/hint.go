// Package hint tells listeners that something may have happened.
package hint

import "sync"

// Hint is given to any number of listeners. The zero value has none.
type Hint struct {
	mu        sync.Mutex
	listeners []chan struct{}
}

// Listen returns a channel that gets a value soon after each Give; several
// that nobody has taken yet are one.
func (h *Hint) Listen() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := make(chan struct{}, 1)
	h.listeners = append(h.listeners, c)
	return c
}

// Give tells all listeners. It never waits.
func (h *Hint) Give() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.listeners {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
