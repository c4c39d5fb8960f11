-- A pageview weighs 2^(distance/half-life) from the beginning of its day, or, by a
-- half-life shorter than a day, from the instant of the ranking, in whole hundredths
-- of a billionth, and what a page has on a day is brought to the instant of the
-- ranking, in whole billionths. Sums of whole numbers do not depend on the order in
-- which rows are added up: the same pageviews give the same score to the last digit,
-- from raw rows and from what was added up on each day.
WITH parts AS MATERIALIZED (
  {parts}
), counted AS (
  SELECT page{counts} FROM parts GROUP BY page
)
SELECT CAST(page AS BIGINT){columns}
FROM counted {scores}
WHERE {pages}
