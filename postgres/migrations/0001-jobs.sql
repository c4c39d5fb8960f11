-- Durations are nanoseconds.

CREATE TABLE beforehand.jobs (
	name       text COLLATE "C" PRIMARY KEY,
	version    bigint NOT NULL,
	definition jsonb NOT NULL,   -- what holds
	declared   jsonb NOT NULL,   -- what the program last declared
	due        timestamptz,      -- next instant of the trigger
	last       timestamptz,      -- latest due instant in the ledger, never moves back
	wake       timestamptz,      -- when to look at the job
	paused     boolean NOT NULL,
	removed    boolean NOT NULL,
	fence      bigint NOT NULL,
	count      bigint NOT NULL,
	open       jsonb,            -- ticks that have not ended
	record     jsonb             -- what is remembered of ended ticks
);

CREATE INDEX jobs_wake ON beforehand.jobs (wake) WHERE wake IS NOT NULL;

-- The ledger: one row for each tick.
CREATE TABLE beforehand.ticks (
	job      text COLLATE "C" NOT NULL,
	due      timestamptz NOT NULL,
	version  bigint NOT NULL,
	outcome  text NOT NULL,
	reason   text NOT NULL,
	asked    boolean NOT NULL,
	count    bigint NOT NULL,  -- due instants the row stands for
	until    timestamptz,      -- the last of them
	attempt  bigint NOT NULL,
	fence    bigint NOT NULL,
	holder   text NOT NULL,
	lease    bigint NOT NULL,
	ready    timestamptz,
	started  timestamptz,
	ended    timestamptz,
	cancel   text NOT NULL,
	progress jsonb,
	earlier  jsonb,            -- attempts before the latest
	PRIMARY KEY (job, due)
);

CREATE INDEX ticks_due ON beforehand.ticks (due);
CREATE INDEX ticks_running ON beforehand.ticks (job) WHERE outcome = 'running';
