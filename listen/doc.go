// Package listen is where readers come in: an address or a socket, the
// certificates that are shown there and kept current, and the way from http to
// https.
package listen
