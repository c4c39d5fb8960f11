// Package postgres keeps state in PostgreSQL, 13 and later, in a schema of its
// own named beforehand, which any number of processes on any number of
// machines may share.
//
// The database's clock says what is due, read by clock_timestamp(), since
// now() stands still inside a transaction. NOTIFY tells others that something
// was written; it is a hint, and nothing is lost when it does not arrive.
// A connection pooler must be in session mode, or NOTIFY is not heard.
package postgres
