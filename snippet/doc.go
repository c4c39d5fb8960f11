// Package snippet finds in a page of a site what counts it, and tells whether the
// page's Content-Security-Policy lets it work.
package snippet
