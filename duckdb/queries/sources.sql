-- Those whose rows are deleted are in the table gone.
SELECT "day", source, CAST(sum(pageviews) AS BIGINT), CAST(sum(bots) AS BIGINT)
FROM (
  SELECT "day", source, count(*) FILTER (bot = 0) AS pageviews, count(*) FILTER (bot <> 0) AS bots
  FROM pageviews
  WHERE site = $site AND seq <= $through AND "day" BETWEEN $from_day AND $to_day
  GROUP BY "day", source
  UNION ALL
  SELECT "day", source, pageviews, bots FROM gone WHERE site = $site AND source <> 0 AND "day" BETWEEN $from_day AND $to_day
)
GROUP BY "day", source
ORDER BY "day", source
