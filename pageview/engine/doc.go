// Package engine has what the engines of pageviews do alike, whatever they keep
// them in: which sources count, which days a window holds whole, what a period is
// called, and how large a batch is.
package engine
