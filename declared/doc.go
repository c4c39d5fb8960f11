// Package declared makes reports of what a configuration declares instead of a
// Go function: a query of a site's own database, a command, or a URL.
//
// Whatever comes out of it is the report's result: rows become JSON, from which
// CSV, HTML and a chart are made; a command or a URL may also give CSV, HTML,
// SVG or PNG, which is served as it came.
package declared
