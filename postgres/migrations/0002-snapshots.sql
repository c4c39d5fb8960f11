-- Finished results. One counter numbers them all: whoever writes a snapshot
-- holds its row until the commit, so revisions appear in their order.
CREATE TABLE beforehand.snapshot_revision (n bigint NOT NULL);
INSERT INTO beforehand.snapshot_revision VALUES (0);

-- The numbers of a key outlive its snapshots.
CREATE TABLE beforehand.snapshot_keys (
	report  text NOT NULL,
	params  text NOT NULL,
	version bigint NOT NULL, -- of the latest snapshot, kept or not
	fence   bigint NOT NULL, -- the greatest
	PRIMARY KEY (report, params)
);

CREATE TABLE beforehand.snapshots (
	report   text NOT NULL,
	params   text NOT NULL,
	version  bigint NOT NULL,
	revision bigint NOT NULL UNIQUE,
	held     boolean NOT NULL, -- waits for approval
	head     json NOT NULL,    -- facts, and the size and tag of each file
	body     bytea NOT NULL,   -- the files one after the other
	PRIMARY KEY (report, params, version)
);
-- The bytes are compressed already.
ALTER TABLE beforehand.snapshots ALTER COLUMN body SET STORAGE EXTERNAL;
