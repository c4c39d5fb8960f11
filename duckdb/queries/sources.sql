SELECT "day", source, count(*) FILTER (bot = 0), count(*) FILTER (bot <> 0)
FROM pageviews
WHERE site = ? AND seq <= ? AND "day" BETWEEN ? AND ?
GROUP BY "day", source
ORDER BY "day", source
