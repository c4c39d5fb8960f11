-- Salts of visitors, sealed under a key that is kept elsewhere. A salt that
-- was deleted leaves its row behind, so that a new one for the same day is
-- known as such.
CREATE TABLE beforehand.salts (
	site    text COLLATE "C" NOT NULL,
	day     integer NOT NULL, -- days since 1970-01-01
	sealed  bytea,
	renewed boolean NOT NULL, -- visitors of the day may be over
	used    timestamptz NOT NULL,
	PRIMARY KEY (site, day)
);
