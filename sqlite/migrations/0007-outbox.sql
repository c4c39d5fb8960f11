-- What is to be told to somebody outside, by mail or webhook. Instants are
-- microseconds since 1970.
CREATE TABLE beforehand_outbox (
	id        TEXT NOT NULL PRIMARY KEY, -- hash of kind, way, recipient and tick
	kind      TEXT NOT NULL,
	way       TEXT NOT NULL,
	recipient TEXT NOT NULL,
	tick      TEXT NOT NULL, -- what it is about
	site      TEXT NOT NULL, -- empty: none
	subject   TEXT NOT NULL,
	body      BLOB NOT NULL, -- exactly what is sent
	created   INTEGER NOT NULL,
	state     TEXT NOT NULL, -- waiting, sent, given_up
	attempts  INTEGER NOT NULL,
	next      INTEGER, -- when it is tried; null: it does not wait
	ended     INTEGER, -- when it was sent or given up
	error     TEXT NOT NULL
);

CREATE INDEX beforehand_outbox_next ON beforehand_outbox (next) WHERE next IS NOT NULL;
CREATE INDEX beforehand_outbox_ended ON beforehand_outbox (ended) WHERE ended IS NOT NULL;
CREATE INDEX beforehand_outbox_created ON beforehand_outbox (created);
