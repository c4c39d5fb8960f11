-- What is known of people: users, their sessions, links that let somebody in,
-- attempts, and who did what. No secret is kept.
CREATE TABLE beforehand.accounts (
	kind    text   NOT NULL,
	key     text   COLLATE "C" NOT NULL,
	version bigint NOT NULL, -- one more at each change
	until   timestamptz,     -- from then on the row may be deleted
	body    bytea  NOT NULL, -- JSON
	PRIMARY KEY (kind, key)
);

CREATE INDEX accounts_until ON beforehand.accounts (until) WHERE until IS NOT NULL;
