-- The tables as the first version makes them. Changes come as further
-- statements in schema.go, forward only.
CREATE TABLE sites (
  id   USMALLINT NOT NULL,
  name VARCHAR NOT NULL,
  zone VARCHAR NOT NULL
);
CREATE TABLE pages (
  id    UINTEGER NOT NULL,
  site  USMALLINT NOT NULL,
  path  VARCHAR NOT NULL,
  title VARCHAR NOT NULL
);
-- Hosts of referrers, browsers, systems, devices and bot verdicts. Number 0 is
-- the empty name and has no row.
CREATE TABLE names (
  id   UINTEGER NOT NULL,
  name VARCHAR NOT NULL
);
-- No index: a UNIQUE one costs six times the load and the memory of a checkpoint.
CREATE TABLE pageviews (
  seq      UBIGINT NOT NULL,
  site     USMALLINT NOT NULL,
  "at"     TIMESTAMP NOT NULL,
  "day"    DATE NOT NULL,
  page     UINTEGER NOT NULL,
  visitor  UBIGINT NOT NULL,
  referrer UINTEGER NOT NULL,
  browser  UINTEGER NOT NULL,
  system   UINTEGER NOT NULL,
  device   UINTEGER NOT NULL,
  bot      UINTEGER NOT NULL,
  source   UTINYINT NOT NULL
);
CREATE TABLE logs (
  site     USMALLINT NOT NULL,
  first    BIGINT NOT NULL, -- the first print, as a signed number
  prints   BLOB NOT NULL,
  "offset" BIGINT NOT NULL,
  lines    BIGINT NOT NULL,
  read_at  TIMESTAMP NOT NULL
);
