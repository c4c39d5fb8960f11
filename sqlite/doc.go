// Package sqlite keeps state in one SQLite file, which several processes on
// one machine may share.
//
// Each process writes on one connection, every transaction begins IMMEDIATE,
// and there is a short pause between two, so that nobody is starved. The file
// is in WAL mode with synchronous=FULL: what was committed survives a power
// cut. SQLite has no clock of its own, so the wall clock of the process says
// what is due; leases are judged without it, see package scheduler.
//
// The file must lie on a local disk. Network file systems do not lock
// reliably and are refused where they are recognised.
package sqlite
