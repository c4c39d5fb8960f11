// Package metrics tells Prometheus how a scheduler does: how late runs begin,
// how long they take, how ticks end, what runs now and what is due next.
package metrics
