// Package memory keeps state in this process, for tests, for trying things
// out and for programs that may forget everything when they end. It passes the
// same conformance suites as the engines that keep it on disk; several
// schedulers may share one State.
package memory
