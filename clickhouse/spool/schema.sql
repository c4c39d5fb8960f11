-- One row: what the file is known by, and the number of the last block.
CREATE TABLE self (
  spool INTEGER NOT NULL,
  block INTEGER NOT NULL
);
-- What waits. The body is a gob of a Group.
CREATE TABLE groups (
  id    INTEGER PRIMARY KEY AUTOINCREMENT,
  block INTEGER,          -- NULL until it is part of a block
  alone INTEGER NOT NULL, -- whether no other group may be part of its block
  rows  INTEGER NOT NULL,
  at    INTEGER NOT NULL, -- when it came, in microseconds since 1970
  body  BLOB NOT NULL
);
-- Requests that were put, by what their sender calls them.
CREATE TABLE keys (
  token  TEXT NOT NULL,
  name   TEXT NOT NULL,
  digest BLOB NOT NULL,
  at     INTEGER NOT NULL,
  PRIMARY KEY (token, name)
) WITHOUT ROWID;
CREATE INDEX keys_at ON keys (at);
-- Sites as they were known last, for a start while the store is away.
CREATE TABLE sites (
  name       TEXT PRIMARY KEY,
  zone       TEXT NOT NULL,
  precedence TEXT NOT NULL,
  rate       TEXT NOT NULL
) WITHOUT ROWID;
