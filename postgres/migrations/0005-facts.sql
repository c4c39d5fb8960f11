-- What all processes that share the database must agree on.
CREATE TABLE beforehand.facts (
	name  text PRIMARY KEY,
	value text NOT NULL
);
