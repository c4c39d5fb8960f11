-- {engine:…} and {on} become what one server or a cluster needs; see schema.go.
-- What is sent of a pageview. Rows are only added, in the blocks of spools.
CREATE TABLE IF NOT EXISTS {raw:pageviews} {on} (
  site            String,
  month           Int32,  -- year * 12 + month - 1
  day             Int32,  -- local day, days since 1970-01-01
  visitor         UInt64,
  at              Int64,  -- microseconds since 1970
  hour            Int64,  -- when the local hour began, seconds since 1970
  path            String,
  referrer        String,
  referrer_page   String,
  campaign        String,
  campaign_source String,
  campaign_medium String,
  browser         String,
  system          String,
  device          String,
  country         String,
  language        String,
  bot             String,
  source          UInt8,
  spool           UInt64,
  block           UInt64,
  row             UInt32
) ENGINE = {engine:pageviews} PARTITION BY month ORDER BY (site, day, visitor, at) {settings};
-- How long pages were in sight.
CREATE TABLE IF NOT EXISTS {raw:stays} {on} (
  site    String,
  month   Int32,
  day     Int32,
  at      Int64,
  path    String,
  visitor UInt64,
  seconds UInt32,
  spool   UInt64,
  block   UInt64,
  row     UInt32
) ENGINE = {engine:stays} PARTITION BY month ORDER BY (site, day, path) {settings};
-- What the blocks hold that count. The rows of a block are one insert. Kind 0 is
-- how much of a site's day came from a source, 1 is a mark, 2 the mark of a log
-- file, 3 a request's key, 4 what the blocks of a spool up to one hold together.
CREATE TABLE IF NOT EXISTS ledger {on} (
  kind      UInt8,
  site      String,
  name      String,
  spool     UInt64,
  block     UInt64,
  day       Int32,
  source    UInt8,
  bot       UInt8, -- whether the pageviews are by bots
  pageviews Int64,
  stays     Int64,
  value     String
) ENGINE = {engine:ledger} ORDER BY (kind, name, spool, block) {settings};
-- What is known of sites: of a name, the zone of the first row and the rest of
-- the last one count, of those after the last with an empty zone, which says
-- that the site was deleted.
CREATE TABLE IF NOT EXISTS sites {on} (
  name       String,
  zone       String,
  precedence String,
  rate       String,
  at         UInt64
) ENGINE = {engine:sites} ORDER BY (name, at) {settings};
-- Titles of pages; the one with the highest place counts.
CREATE TABLE IF NOT EXISTS titles {on} (
  site  String,
  path  String,
  title String,
  place UInt64
) ENGINE = {replacing:titles:place} ORDER BY (site, path) {settings};
-- What counted pageviews by persons add up to on a day by each value of a
-- dimension, in versions. Dimensions are numbered in rollup.go.
CREATE TABLE IF NOT EXISTS rollups {on} (
  site      String,
  dimension UInt32,
  month     Int32,
  day       Int32,
  key       String,
  version   UInt64,
  pageviews Int64,
  visits    Int64,
  visitors  Int64,
  stays     Int64,
  seconds   Int64
) ENGINE = {engine:rollups} PARTITION BY month ORDER BY (site, dimension, day, version, key) {settings};
-- Versions of days that are complete: from how many rows of the ledger they were
-- added up, under which rules, and what they reach over.
CREATE TABLE IF NOT EXISTS days {on} (
  site    String,
  day     Int32,
  part    UInt32, -- 0 or the dimension of a score
  version UInt64,
  rows    Int64,
  rules   String,
  persons Int64,  -- pageviews that count; zero where none does
  first   Int64,
  last    Int64,
  at      UInt64,
  -- What it was added up from: of spools the newest blocks, and which sources
  -- did not count. Programs that do not know these columns leave them empty.
  spools   Array(UInt64),
  blocks   Array(UInt64),
  left_out Array(UInt64)
) ENGINE = {engine:days} ORDER BY (site, at) {settings};
-- Days of which raw rows were deleted: those up to these blocks of the spools,
-- after they were added up under a version.
CREATE TABLE IF NOT EXISTS gone {on} (
  site    String,
  day     Int32,
  part    UInt32,
  version UInt64,
  rows    Int64,
  spools  Array(UInt64),
  blocks  Array(UInt64),
  at      UInt64
) ENGINE = {engine:gone} ORDER BY (site, at) {settings};
