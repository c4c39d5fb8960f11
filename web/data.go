package web

import (
	"time"

	"github.com/beforehand-go/beforehand/chart"
	"github.com/beforehand-go/beforehand/internal/language"
)

// Data is everything a site's page shows.
type Data struct {
	Language language.Language // of all its words

	Site   string         // its name in URLs: /s/SITE/REPORT.json
	Title  string         // its name for people; zero means Site
	Now    time.Time      // when the page is rendered: times of the same day go without a date
	Zone   *time.Location // of every time shown; zero means UTC
	Totals Totals

	Pageviews Report     // what is known of the report "pageviews"
	Chart     chart.Bars // its picture; Title, Width, Plot and Words are set by the page

	Hot   Report // what is known of the report "hot"
	Items []Item // its list

	HotTitle string // the list's name for people; zero means "Hot articles"
	// Undecayed says that the list's score is not one in which newer pageviews
	// count more.
	Undecayed bool

	Lists []Link // the site's other lists

	// LiveURL is where the same page is computed anew for each reader. Zero
	// means there is none, and nothing to compare with.
	LiveURL string
	// LiveTook is how long the reader of the live page waited.
	LiveTook time.Duration
	// Import is the command shown while there is no pageview; zero means
	// "beforehand import access.log".
	Import string
}

// Totals are the sums over everything the page shows. Zero visitors or pages
// are not shown.
type Totals struct {
	Pageviews   int64
	Visitors    int64 // the sum of daily visitors
	Pages       int64
	First, Last time.Time // days of the first and last pageview
}

// Report is what is known of a report besides its result.
type Report struct {
	Name   string        // in URLs
	AsOf   time.Time     // when the result was computed; zero: never yet
	Next   time.Time     // when it will be computed again; zero: never
	Took   time.Duration // what computing it took
	Stale  bool          // a newer result should be there
	Reason string        // why it is not; zero: not known

	LiveTook   time.Duration // what computing it from raw rows takes; zero: not measured
	ReaderWait time.Duration // what its reader waits; zero: not measured
}

// Link is a name that leads to a path of the server.
type Link struct{ Title, URL string }

// Item is one article of the hot list.
type Item struct {
	Rank      int
	Path      string
	Title     string    // zero means Path
	URL       string    // where the page is; zero: no link to it
	Picture   string    // URL of a picture, shown in a List; zero: none
	Published time.Time // zero: not known
	Pageviews int64
	Visitors  int64
	Score     float64
	Change    *int // places climbed since the list before, negative: fallen; nil: it was not on it
}
