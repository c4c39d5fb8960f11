// Package tables is the way in for a site that counts its pageviews itself: it
// reads them from a table of the site's own database, once and from then on
// what has grown. Nothing in the site changes, and nothing is written there.
//
// Two kinds of table are read. One has a row for each pageview, in the order of
// a key that grows. The other keeps totals only, a row for each page: each
// growth becomes that many pageviews, of visitors that are not known.
//
// How far a table was read is a mark, which the store moves in the transaction
// that keeps the pageviews, so that a reader that was cut off doubles nothing
// and loses nothing.
package tables
