-- What the ways in beside a log bring.
ALTER TABLE pageviews ADD COLUMN "hour" TIMESTAMP;
ALTER TABLE pageviews ADD COLUMN country UINTEGER DEFAULT 0;
ALTER TABLE pageviews ADD COLUMN language UINTEGER DEFAULT 0;
ALTER TABLE pageviews ADD COLUMN referrer_page UINTEGER DEFAULT 0;
ALTER TABLE pageviews ADD COLUMN campaign_source UINTEGER DEFAULT 0;
ALTER TABLE pageviews ADD COLUMN campaign_medium UINTEGER DEFAULT 0;
ALTER TABLE pageviews ADD COLUMN campaign UINTEGER DEFAULT 0;
ALTER TABLE sites ADD COLUMN precedence VARCHAR DEFAULT '';
-- How far sources that are no log files were read.
CREATE TABLE marks (
  site   USMALLINT NOT NULL,
  source VARCHAR NOT NULL,
  "at"   VARCHAR NOT NULL
);
