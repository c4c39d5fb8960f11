// Package collect is the ways in: it turns what a site has, such as the lines
// of its access log, into pageviews and hands them to a store.
//
// What is left out is counted with its reason, and no line is ever kept or
// shown, since it holds an address: only its number is. A visitor becomes a
// hash under a salt of the site and the local day of the pageview.
package collect
