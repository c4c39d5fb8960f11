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
