// Package move takes what one engine keeps to another: pageviews between DuckDB
// and ClickHouse, state between SQLite and PostgreSQL.
//
// Pageviews are copied in parts. How far they were is a mark that the other
// engine keeps with the rows, so that a copy that was cut off goes on where it
// was and counts nothing twice, and that one may be made while pageviews come
// in. State is copied in one transaction, when nobody works on it.
//
// Afterwards both are compared.
package move
