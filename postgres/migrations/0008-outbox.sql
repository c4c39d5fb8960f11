-- What is to be told to somebody outside, by mail or webhook.
CREATE TABLE beforehand.outbox (
	id        text COLLATE "C" PRIMARY KEY, -- hash of kind, way, recipient and tick
	kind      text NOT NULL,
	way       text NOT NULL,
	recipient text NOT NULL,
	tick      text NOT NULL, -- what it is about
	site      text NOT NULL, -- empty: none
	subject   text NOT NULL,
	body      bytea NOT NULL, -- exactly what is sent
	created   timestamptz NOT NULL,
	state     text NOT NULL, -- waiting, sent, given_up
	attempts  bigint NOT NULL,
	next      timestamptz, -- when it is tried; null: it does not wait
	ended     timestamptz, -- when it was sent or given up
	error     text NOT NULL
);

CREATE INDEX outbox_next ON beforehand.outbox (next) WHERE next IS NOT NULL;
CREATE INDEX outbox_ended ON beforehand.outbox (ended) WHERE ended IS NOT NULL;
CREATE INDEX outbox_created ON beforehand.outbox (created);
