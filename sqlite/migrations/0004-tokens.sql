-- Tokens of the API. The secret itself is kept nowhere.
CREATE TABLE beforehand_tokens (
	name    TEXT NOT NULL PRIMARY KEY,
	hash    BLOB NOT NULL UNIQUE, -- SHA-256 of the secret
	scopes  TEXT NOT NULL, -- with a space between them
	sites   TEXT NOT NULL, -- one a line; empty: every site
	created INTEGER NOT NULL, -- seconds since 1970
	used    INTEGER -- seconds since 1970, to the minute; null: never
) WITHOUT ROWID;
