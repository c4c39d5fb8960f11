// Package clickhouse keeps pageviews in ClickHouse, on one server or a cluster,
// for any number of processes at the same time.
//
// What Append was told of is first on this machine's disk, in a spool. From
// there one goroutine sends it in blocks. A block is pageviews of a spool, told
// by (spool, block, row); each month of it is one insert into one partition,
// which ClickHouse does as a whole or not at all. Last, what the block holds is
// written into the ledger, and only then the block counts: whoever counts
// leaves out rows of blocks that the ledger does not have. A block whose insert
// may or may not have come through is looked up before it is sent again, and
// before any newer one of the spool.
//
// Before an answer, what waits in the own spool is sent. What waits in the
// spools of other processes is sent by these within Config.Every.
//
// What pageviews add up to is kept by day, under a version: a day is added up
// anew as a whole, and then the new version is named in the table days, with
// how many rows it was added up from. It is used where those are as many as the
// ledger knows of that day. Nothing is ever changed in place, so that nobody
// reads half of a change, and ClickHouse needs no transactions.
//
// The SQL is what ClickHouse 18.16 and current ones have in common: no window
// functions, no WITH, no DateTime64. Times are whole microseconds since 1970,
// days are numbers.
package clickhouse
