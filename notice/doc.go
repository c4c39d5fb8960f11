// Package notice makes of a site's numbers, and of what goes wrong, the messages
// that its owner gets: the weekly mail and alerts.
//
// Nothing is remembered of alerts but the messages themselves: what a message is
// about, its Tick, names the trouble in such a way that a trouble that goes on
// has the same one, and the outbox has the message already.
package notice
