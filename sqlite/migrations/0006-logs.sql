-- What runs have logged. It goes with its tick, whoever deletes that.
CREATE TABLE beforehand_logs (
	job   TEXT NOT NULL,
	due   INTEGER NOT NULL,
	fence INTEGER NOT NULL, -- the run's
	log   TEXT NOT NULL,    -- JSON
	PRIMARY KEY (job, due, fence)
);

CREATE TRIGGER beforehand_logs_gone AFTER DELETE ON beforehand_ticks BEGIN
	DELETE FROM beforehand_logs WHERE job = old.job AND due = old.due;
END;

-- Schedulers that share the file, as they tell of themselves.
CREATE TABLE beforehand_replicas (
	holder  TEXT NOT NULL PRIMARY KEY,
	seen    INTEGER NOT NULL, -- microseconds since 1970
	replica TEXT NOT NULL     -- JSON
) WITHOUT ROWID;
