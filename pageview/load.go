package pageview

import "time"

// Load is how much a store has to do, and what it has done since it was opened.
type Load struct {
	Kept    int64     // pageviews whose senders were told that they are kept
	Refused int64     // pageviews whose senders were told that they are not
	Waiting int64     // bytes that wait to be written
	Room    int64     // bytes that may wait; what is more is refused
	Size    int64     // bytes on disk; zero where that is another machine's
	Folded  time.Time // when pageviews were last added up; zero means never, or not known

	// Trouble is why the last of what was to be written could not be. It is nil when
	// that succeeded, and before anything was written.
	Trouble error
}

// Loaded is a store that tells its load.
type Loaded interface{ Load() Load }
