// Package spool holds pageviews on disk until the store behind it has them.
//
// It is one SQLite file. What is put into it is on disk when Put returns, all
// of it in one transaction. It is taken out in the order in which it came, in
// blocks: a block gets its number, and which pageviews it holds, on disk before
// it is sent for the first time, so that whoever sends it again sends the same.
//
// The numbers of blocks grow, and follow the clock, in microseconds.
package spool
