// Package database opens a site's own database to read it: SQLite, PostgreSQL,
// MySQL and MariaDB. Nothing that is read through it can write: every query
// runs in a read-only transaction of a connection that is read-only itself,
// with a bound on its time.
package database
