// Package receive is the ways in over HTTP: the script on a page, the picture
// on a page without scripts, the API, and what stands in for busuanzi.
//
// Each hands what it saw to collect.Intake and answers 2xx only when the
// pageview is on disk. What is left out is told in the header
// Pageview-Left-Out, and nothing that a sender wrote is repeated to it but in
// JSON. A sender that can try again is answered 503 with Retry-After when the
// store takes nothing more in.
package receive
