-- Finished results. The numbers of a key outlive its snapshots.
CREATE TABLE beforehand_snapshot_keys (
	report  TEXT NOT NULL,
	params  TEXT NOT NULL,
	version INTEGER NOT NULL, -- of the latest snapshot, kept or not
	fence   INTEGER NOT NULL, -- the greatest
	PRIMARY KEY (report, params)
) WITHOUT ROWID;

CREATE TABLE beforehand_snapshots (
	revision INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice
	report   TEXT NOT NULL,
	params   TEXT NOT NULL,
	version  INTEGER NOT NULL,
	held     INTEGER NOT NULL, -- waits for approval
	head     TEXT NOT NULL,    -- JSON: facts, and the size and tag of each file
	body     BLOB NOT NULL,    -- the files one after the other
	UNIQUE (report, params, version)
);
