// Package articles learns what is known of a site's pages besides how often
// they are read: title, picture and when each was published.
//
// A [Reader] reads the site's sitemaps and feeds, and of pages that are on a
// list what they say of themselves (og:title, og:image,
// article:published_time). What it has learnt is a [Book], which remembers
// where each fact came from and since when, and decides which of several
// counts. A book is a value that its owner keeps; it has a bound.
package articles
