-- Calendars that triggers name.
CREATE TABLE beforehand_calendars (
	name     TEXT NOT NULL PRIMARY KEY,
	version  INTEGER NOT NULL,
	days     TEXT NOT NULL,   -- a date a line, in order
	source   TEXT NOT NULL,   -- where they came from
	declared TEXT NOT NULL,   -- print of the days that a configuration declared last
	changed  INTEGER NOT NULL -- microseconds since 1970
);
