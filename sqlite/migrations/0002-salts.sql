-- Salts of visitors, sealed under a key that is kept elsewhere. A salt that
-- was deleted leaves its row behind, so that a new one for the same day is
-- known as such.
CREATE TABLE beforehand_salts (
	site    TEXT NOT NULL,
	day     INTEGER NOT NULL, -- days since 1970-01-01
	sealed  BLOB,
	renewed INTEGER NOT NULL DEFAULT 0, -- 1: visitors of the day may be over
	used    INTEGER NOT NULL, -- seconds since 1970
	PRIMARY KEY (site, day)
) WITHOUT ROWID;
