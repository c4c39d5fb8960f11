SELECT min("at"), max("at"), min("day"), max("day")
FROM {pageviews}
WHERE bot = 0 AND {counting}
