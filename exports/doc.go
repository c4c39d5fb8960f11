// Package exports is the way in for a site that comes from another program: it
// reads what GoatCounter, Plausible, Umami and Matomo export.
//
// A file counts once: it is known by the digest of its bytes, and how many of
// its rows were read is kept in the transaction that keeps the pageviews. What
// the file says its total is, is compared with what was kept.
package exports
