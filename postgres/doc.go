// Package postgres keeps state in PostgreSQL, 13 and later, in a schema of its
// own named beforehand, which any number of processes on any number of
// machines may share.
//
// The database's clock says what is due, read by clock_timestamp(), since
// now() stands still inside a transaction. NOTIFY tells others that something
// was written; it is a hint, and nothing is lost when it does not arrive.
//
// A connection pooler may stand between. Open notices one and prepares no
// statements that outlive a transaction. Behind a pooler in transaction mode no
// NOTIFY is heard, which is noticed as well: what others have written is then
// asked for each second, and [State.Polled] says so.
package postgres
