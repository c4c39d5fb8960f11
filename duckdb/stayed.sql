-- What the stays were that are deleted, added up by day and page. Rows are only
-- added.
CREATE TABLE stayed (
  site    USMALLINT NOT NULL,
  "day"   DATE NOT NULL,
  page    UINTEGER NOT NULL,
  stays   BIGINT NOT NULL,
  seconds BIGINT NOT NULL
);
