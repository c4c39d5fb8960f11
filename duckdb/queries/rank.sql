-- The end of a WITH that holds, for the periods now and then, and for the one
-- before if it is asked for, what rank.go calls counts and scores.
--
-- A pageview weighs 2^(distance/half-life) from its landmark, in whole hundredths
-- of a billionth, and what a page has at a landmark is brought to the instant of
-- the ranking, in whole billionths. Sums of whole numbers do not depend on the
-- order in which rows are added up: the same pageviews give the same score to the
-- last digit, from raw rows and from what was added up on each day.
, picked AS (
  SELECT id AS page, path, title FROM pages WHERE site = {site} AND {pages}
), places AS (
  SELECT page, row_number() OVER (ORDER BY {value} DESC, path) AS place FROM {then} JOIN picked USING (page)
), listed AS (
  SELECT n.*, p.path, p.title, place, {before}
  FROM {now} n JOIN picked p USING (page) {join_before} LEFT JOIN places USING (page)
  ORDER BY n.{value} DESC, p.path
  {most}
)
SELECT total, path, title, CAST(pageviews AS BIGINT), CAST(visitors AS BIGINT),
       CAST(coalesce(pageviews_before, 0) AS BIGINT), CAST(coalesce(visitors_before, 0) AS BIGINT),
       CAST(score AS DOUBLE) / 1e9, coalesce(place, 0)
FROM (
  SELECT false AS total, path, title, pageviews, visitors, pageviews_before, visitors_before, score, place FROM listed{totals}
)
ORDER BY total DESC, {value} DESC, path
