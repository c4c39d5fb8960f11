package pageview

// Totals are what a copy of a store is known by.
type Totals struct {
	Pageviews int64  `json:"pageviews"` // with those by bots
	Stays     int64  `json:"stays"`
	Through   uint64 `json:"through"` // the highest sequence number
}

// Wrong is a day on which what is added up differs from single pageviews.
type Wrong struct {
	Day       Day
	Dimension string
	Values    int64 // how many values of the dimension differ
}

// Known is what a store knows beside pageviews and stays, for moving it to
// another.
type Known struct {
	Sites []KnownSite
	Keys  []Key // of the requests that it would know again
}

// KnownSite is what a store knows of a site.
type KnownSite struct {
	Site
	Logs  []KnownLog
	Marks map[string]string // by source
	Gone  int64             // pageviews that were deleted; what they add up to is kept
}
