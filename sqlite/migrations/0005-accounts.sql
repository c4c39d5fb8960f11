-- What is known of people: users, their sessions, links that let somebody in,
-- attempts, and who did what. No secret is kept.
CREATE TABLE beforehand_accounts (
	kind    TEXT NOT NULL,
	key     TEXT NOT NULL,
	version INTEGER NOT NULL, -- one more at each change
	until   INTEGER,          -- microseconds since 1970; from then on the row may be deleted
	body    BLOB NOT NULL,    -- JSON
	PRIMARY KEY (kind, key)
) WITHOUT ROWID;

CREATE INDEX beforehand_accounts_until ON beforehand_accounts (until) WHERE until IS NOT NULL;
