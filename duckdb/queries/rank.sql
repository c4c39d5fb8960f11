-- The end of a WITH that holds counts(page, pageviews, visitors), and
-- scores(page, landmark, score) and earlier(page, landmark, score).
--
-- A pageview weighs 2^(distance/half-life) from its landmark, in whole hundredths
-- of a billionth, and what a page has at a landmark is brought to the instant of
-- the ranking, in whole billionths. Sums of whole numbers do not depend on the
-- order in which rows are added up: the same pageviews give the same score to the
-- last digit, from raw rows and from what was added up on each day.
decayed AS (
  SELECT page, sum({now}) AS score FROM scores GROUP BY page
), before AS (
  SELECT page, sum({then}) AS score FROM earlier GROUP BY page
)
SELECT p.path, p.title, CAST(c.pageviews AS BIGINT), CAST(c.visitors AS BIGINT),
       CAST(d.score AS DOUBLE) / 1e9,
       CASE WHEN b.score > 0
            THEN row_number() OVER (ORDER BY coalesce(b.score, 0) DESC, p.path)
            ELSE 0 END
FROM decayed d JOIN counts c ON c.page = d.page JOIN pages p ON p.id = d.page
     LEFT JOIN before b ON b.page = d.page
WHERE {pages}
ORDER BY d.score DESC, p.path
LIMIT {most}
