-- What counted pageviews by persons add up to on each local day of a site, by
-- each value of a dimension. Rows are added, and rows of one value add up: a
-- later row holds what changed. Dimensions are numbered in rollup.go.
CREATE TABLE rollups (
  site      USMALLINT NOT NULL,
  "day"     DATE NOT NULL,
  dimension UINTEGER NOT NULL,
  key       UBIGINT NOT NULL,
  pageviews BIGINT NOT NULL,
  visits    BIGINT NOT NULL,
  visitors  BIGINT NOT NULL
);
-- Up to which pageview a dimension of a site is added up, and under which
-- precedence of sources.
CREATE TABLE watermarks (
  site       USMALLINT NOT NULL,
  dimension  UINTEGER NOT NULL,
  seq        UBIGINT NOT NULL,
  precedence VARCHAR NOT NULL
);
