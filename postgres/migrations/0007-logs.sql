-- What runs have logged. It goes with its tick, whoever deletes that.
CREATE TABLE beforehand.logs (
	job   text COLLATE "C" NOT NULL,
	due   timestamptz NOT NULL,
	fence bigint NOT NULL, -- the run's
	log   text NOT NULL,   -- JSON
	PRIMARY KEY (job, due, fence),
	FOREIGN KEY (job, due) REFERENCES beforehand.ticks ON DELETE CASCADE
);

-- Schedulers that share the database, as they tell of themselves.
CREATE TABLE beforehand.replicas (
	holder  text COLLATE "C" PRIMARY KEY,
	seen    timestamptz NOT NULL,
	replica text NOT NULL -- JSON
);
