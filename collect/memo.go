package collect

import (
	"strings"
	"sync"
)

const (
	maxMemo     = 20_000 // texts that a memo holds; with one more it begins anew
	maxMemoText = 1 << 10
)

// memo remembers what was made of texts that come again and again. It is safe
// for concurrent use; the zero value is empty.
type memo[V any] struct {
	mu    sync.Mutex
	known map[string]V
}

// of is what derive makes of a text, which is asked once as a rule. A text of
// more than a kilobyte is not remembered.
func (m *memo[V]) of(text string, derive func(string) V) V {
	m.mu.Lock()
	v, ok := m.known[text]
	m.mu.Unlock()
	if ok {
		return v
	}
	text = strings.Clone(text) // which may be a part of a large block
	v = derive(text)
	if len(text) > maxMemoText {
		return v
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil || len(m.known) >= maxMemo {
		m.known = map[string]V{}
	}
	m.known[text] = v
	return v
}
