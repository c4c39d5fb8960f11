// Package pageview says what a pageview is and what a store of pageviews must
// do. It holds no engine: the packages duckdb and clickhouse are stores, the
// package collect makes pageviews, the package report counts them.
//
// A pageview is one page seen by one visitor at one time. A visitor is a
// person for a day: the number that stands for one is a hash under a salt
// that is replaced each day, so that visitors of several days do not add up
// to people, only to daily visitors.
package pageview
