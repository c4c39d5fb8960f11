// Package web renders the pages people read, from plain data: it knows no
// engine and no server. A page is deterministic for its data, so it can be
// rendered beforehand and served like any other snapshot.
//
// Pages work without scripts, load nothing from elsewhere, have no inline
// script or style, and are to be sent with [Policy].
package web
