-- A score is a sum of whole billionths, so that it does not depend on the
-- order in which rows are added up: the same pageviews give the same score to
-- the last digit.
WITH scored AS (
  SELECT page,
         count(*) AS pageviews,
         count(DISTINCT visitor) AS visitors,
         sum(weight) AS score,
         sum(weight) FILTER (WHERE "at" <= $before) AS earlier
  FROM (
    SELECT page, visitor, "at",
           CAST(1e9 * pow(2, -(epoch_us($until::TIMESTAMP) - epoch_us("at")) / $half_life) AS BIGINT) AS weight
    FROM pageviews
    WHERE site = $site AND bot = 0 AND seq <= $through AND {counting}
      AND "day" >= $from_day AND "at" <= $until
      AND ($pages = '' OR page IN (SELECT id FROM pages WHERE site = $site AND path GLOB $pages))
  )
  GROUP BY page
)
SELECT p.path, p.title, s.pageviews, s.visitors,
       CAST(s.score AS DOUBLE) / 1e9 AS decayed,
       CASE WHEN s.earlier > 0
            THEN row_number() OVER (ORDER BY coalesce(s.earlier, 0) DESC, p.path)
            ELSE 0 END AS earlier_rank
FROM scored s JOIN pages p ON p.id = s.page
ORDER BY s.score DESC, p.path
LIMIT $most
