// Package metrics tells Prometheus how a scheduler does: how late runs begin,
// how long they take, how ticks end, what runs now and what is due next; and how
// long readers of reports wait, beside how long they would have.
package metrics
