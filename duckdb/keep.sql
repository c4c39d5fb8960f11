-- When the first pageview of a source on a local day of a site was kept, one
-- row for persons and one for bots: what decides which sources count, and since
-- when. Rows are only added.
CREATE TABLE sources (
  site   USMALLINT NOT NULL,
  "day"  DATE NOT NULL,
  source UTINYINT NOT NULL,
  bot    BOOLEAN NOT NULL,
  seq    UBIGINT NOT NULL
);
INSERT INTO sources
SELECT site, "day", source, bot <> 0, min(seq) FROM pageviews GROUP BY ALL;
-- Requests that were kept, by what their sender calls them, for 48 hours.
CREATE TABLE keys (
  token  VARCHAR NOT NULL,
  name   VARCHAR NOT NULL,
  digest BLOB NOT NULL,
  "at"   TIMESTAMP NOT NULL
);
-- How long pages were in sight.
CREATE TABLE stays (
  seq     UBIGINT NOT NULL,
  site    USMALLINT NOT NULL,
  "at"    TIMESTAMP NOT NULL,
  "day"   DATE NOT NULL,
  page    UINTEGER NOT NULL,
  visitor UBIGINT NOT NULL,
  seconds UINTEGER NOT NULL
);
-- What the rows were that are deleted: counts by day and source, and the
-- highest sequence number, below which none may be given again. Site 0 stands
-- for sites that were deleted whole. Rows are only added.
CREATE TABLE gone (
  site      USMALLINT NOT NULL,
  "day"     DATE NOT NULL,
  source    UTINYINT NOT NULL,
  pageviews BIGINT NOT NULL, -- by persons
  bots      BIGINT NOT NULL,
  seq       UBIGINT NOT NULL
);
