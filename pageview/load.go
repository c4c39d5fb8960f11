package pageview

import "time"

// Load is how much a store has to do, and what it has done since it was opened.
type Load struct {
	Kept    int64     // pageviews whose senders were told that they are kept
	Refused int64     // pageviews whose senders were told that they are not
	Waiting int64     // bytes that wait to be written
	Room    int64     // bytes that may wait; what is more is refused
	Size    int64     // bytes on disk
	Folded  time.Time // when pageviews were last added up; zero means never
}

// Loaded is a store that tells its load.
type Loaded interface{ Load() Load }
