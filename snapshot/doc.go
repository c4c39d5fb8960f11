// Package snapshot holds finished results and hands them to readers.
//
// A [Snapshot] is what one run of a report left behind: the bytes of each
// format, already compressed and tagged, with the facts of their making. It
// never changes once made; a newer one takes its place in one step.
//
//	value ──► Build ──► Snapshot ──► Store.Put ──► Store.Get ──► Prepare ──► reader
//	          formats,               fenced,       checked       headers
//	          encodings, tags        versioned
//
// [Build] renders, compresses and tags, once per refresh. A [Store] keeps the
// last versions; snapshot/snapshottest is the suite each engine passes.
// [Prepare] makes the headers of every answer beforehand, and what it returns,
// [Served], is an http.Handler that computes nothing, opens nothing and takes
// no lock.
package snapshot
