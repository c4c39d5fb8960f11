package hint

import "testing"

func TestHintsThatNobodyHasTakenAreOne(t *testing.T) {
	var h Hint
	h.Give()
	a, b := h.Listen(), h.Listen()
	for range 3 {
		h.Give()
	}
	for _, c := range []<-chan struct{}{a, b} {
		if len(c) != 1 {
			t.Errorf("%d hints wait, want 1", len(c))
		}
	}
	<-a
	h.Give()
	if len(a) != 1 || len(b) != 1 {
		t.Errorf("%d and %d hints wait, want one each", len(a), len(b))
	}
}
