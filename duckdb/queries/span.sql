SELECT min("at"), max("at"), min("day"), max("day")
FROM pageviews
WHERE site = ? AND bot = 0 AND seq <= ? AND {counting}
