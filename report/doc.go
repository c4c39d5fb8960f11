// Package report computes what a site's owner and readers look at, from a
// store of pageviews: pageviews by page and month, the hot list, and the answer
// to any [Question].
//
// Each function returns a plain value whose JSON form is the published one.
package report
