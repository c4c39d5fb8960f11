// Package declared makes reports of what a configuration declares instead of a
// Go function: a question about the site's pageviews, a query of its own
// database, a command, or a URL.
//
// Whatever comes out of it is the report's result: rows become JSON, from which
// CSV, HTML, Markdown and a chart are made; a command or a URL may also give CSV, HTML,
// SVG or PNG, which is served as it came.
package declared
