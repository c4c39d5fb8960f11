// Package duckdb keeps pageviews in one DuckDB file.
//
// One goroutine writes. Whatever was handed to Append while the last group was
// committed is committed by the next one: a lone sender waits for one commit, and a
// thousand senders share one. A group of a few thousand rows at most is committed to a
// spool beside the file (spool.go), and DuckDB gets the rows of many groups at a time:
// what else is written finds them there, and so do readers, who wait for that where
// something is in the spool, and for nothing else. Readers have connections of their
// own.
//
// What waits is bounded by bytes. A batch is screened before anything of it is
// written, so that one that is refused leaves nothing and harms no other of its
// group: keys of requests that come again, marks that moved, and what DuckDB
// would refuse.
//
// Answers are held to the last commit that readers were told of, and leave out
// sources that do not count on a day (sources.go).
//
// Paths, titles, browsers and the like are kept once each in a dictionary and
// pageviews hold their numbers. There is no index on pageviews: rows are
// found by their growing sequence number and by DuckDB's zone maps.
//
// Only one process can have the file open.
package duckdb
