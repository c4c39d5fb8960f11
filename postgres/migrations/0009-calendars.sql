-- Calendars that triggers name.
CREATE TABLE beforehand.calendars (
	name     text COLLATE "C" PRIMARY KEY,
	version  bigint NOT NULL,
	days     text NOT NULL, -- a date a line, in order
	source   text NOT NULL, -- where they came from
	declared text NOT NULL, -- print of the days that a configuration declared last
	changed  timestamptz NOT NULL
);
