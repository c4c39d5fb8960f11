-- Requests that pageviews came in, and the block of a spool that they are of.
CREATE TABLE beforehand.claims (
	key    bytea PRIMARY KEY, -- SHA-256 of token, name and digest
	holder text NOT NULL,
	at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX claims_at ON beforehand.claims (at);
