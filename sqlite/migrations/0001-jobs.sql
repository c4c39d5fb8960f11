-- Instants are microseconds since 1970 in UTC; NULL is the zero time.
-- Durations are nanoseconds.

CREATE TABLE beforehand_jobs (
	name       TEXT PRIMARY KEY,
	version    INTEGER NOT NULL,
	definition TEXT NOT NULL, -- JSON: what holds
	declared   TEXT NOT NULL, -- JSON: what the program last declared
	due        INTEGER,       -- next instant of the trigger
	last       INTEGER,       -- latest due instant in the ledger, never moves back
	wake       INTEGER,       -- when to look at the job
	paused     INTEGER NOT NULL DEFAULT 0,
	removed    INTEGER NOT NULL DEFAULT 0,
	fence      INTEGER NOT NULL DEFAULT 0,
	count      INTEGER NOT NULL DEFAULT 0,
	open       TEXT,          -- JSON: ticks that have not ended
	record     TEXT           -- JSON: what is remembered of ended ticks
) WITHOUT ROWID;

CREATE INDEX beforehand_jobs_wake ON beforehand_jobs (wake) WHERE wake IS NOT NULL;

-- The ledger: one row for each tick.
CREATE TABLE beforehand_ticks (
	job      TEXT NOT NULL,
	due      INTEGER NOT NULL,
	version  INTEGER NOT NULL,
	outcome  TEXT NOT NULL,
	reason   TEXT NOT NULL DEFAULT '',
	asked    INTEGER NOT NULL DEFAULT 0,
	count    INTEGER NOT NULL DEFAULT 1, -- due instants the row stands for
	until    INTEGER,                    -- the last of them
	attempt  INTEGER NOT NULL DEFAULT 0,
	fence    INTEGER NOT NULL DEFAULT 0,
	holder   TEXT NOT NULL DEFAULT '',
	lease    INTEGER NOT NULL DEFAULT 0,
	ready    INTEGER,
	started  INTEGER,
	ended    INTEGER,
	cancel   TEXT NOT NULL DEFAULT '',
	progress TEXT, -- JSON
	earlier  TEXT, -- JSON: attempts before the latest
	PRIMARY KEY (job, due)
) WITHOUT ROWID;

CREATE INDEX beforehand_ticks_due ON beforehand_ticks (due);
CREATE INDEX beforehand_ticks_running ON beforehand_ticks (job) WHERE outcome = 'running';
