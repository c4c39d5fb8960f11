-- Tokens of the API. The secret itself is kept nowhere.
CREATE TABLE beforehand.tokens (
	name    text COLLATE "C" PRIMARY KEY,
	hash    bytea NOT NULL UNIQUE, -- SHA-256 of the secret
	scopes  text[] NOT NULL,
	sites   text[] NOT NULL, -- empty: every site
	created timestamptz NOT NULL,
	used    timestamptz -- to the minute; null: never
);
