-- First by page and day, which is one pass over small integers, then by what
-- was asked for.
WITH daily AS (
  SELECT page, "day", count(*) AS n
  FROM pageviews
  WHERE site = $3 AND bot = 0 AND seq <= $4 AND {counting}
  GROUP BY page, "day"
)
SELECT CASE WHEN $1 THEN p.path ELSE '' END AS path,
       CASE $2 WHEN 'day' THEN d."day"
               WHEN 'month' THEN CAST(date_trunc('month', d."day") AS DATE)
               ELSE DATE '1970-01-01' END AS period,
       CAST(sum(d.n) AS BIGINT)
FROM daily d JOIN pages p ON p.id = d.page
GROUP BY 1, 2
ORDER BY 1, 2
