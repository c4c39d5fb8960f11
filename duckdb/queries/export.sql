-- What an export holds. Times are in UTC; an empty text means not known.
-- file: pageviews
SELECT v.seq, s.name AS site, v."at", v."day", v."hour", p.path, p.title, v.visitor,
       r.name AS referrer, rp.name AS referrer_page,
       cs.name AS campaign_source, cm.name AS campaign_medium, cn.name AS campaign,
       b.name AS browser, sy.name AS system, d.name AS device, c.name AS country, l.name AS language,
       bot.name AS bot, src.name AS source
FROM pageviews v
JOIN sites s ON s.id = v.site
JOIN pages p ON p.id = v.page
JOIN (VALUES {sources}) src(id, name) ON src.id = v.source
JOIN (SELECT 0 AS id, '' AS name UNION ALL FROM names) r ON r.id = v.referrer
JOIN (SELECT 0 AS id, '' AS name UNION ALL FROM names) rp ON rp.id = v.referrer_page
JOIN (SELECT 0 AS id, '' AS name UNION ALL FROM names) cs ON cs.id = v.campaign_source
JOIN (SELECT 0 AS id, '' AS name UNION ALL FROM names) cm ON cm.id = v.campaign_medium
JOIN (SELECT 0 AS id, '' AS name UNION ALL FROM names) cn ON cn.id = v.campaign
JOIN (SELECT 0 AS id, '' AS name UNION ALL FROM names) b ON b.id = v.browser
JOIN (SELECT 0 AS id, '' AS name UNION ALL FROM names) sy ON sy.id = v.system
JOIN (SELECT 0 AS id, '' AS name UNION ALL FROM names) d ON d.id = v.device
JOIN (SELECT 0 AS id, '' AS name UNION ALL FROM names) c ON c.id = v.country
JOIN (SELECT 0 AS id, '' AS name UNION ALL FROM names) l ON l.id = v.language
JOIN (SELECT 0 AS id, '' AS name UNION ALL FROM names) bot ON bot.id = v.bot
-- file: stays
SELECT t.seq, s.name AS site, t."at", t."day", p.path, t.visitor, t.seconds
FROM stays t JOIN sites s ON s.id = t.site JOIN pages p ON p.id = t.page
-- file: sites
SELECT name, zone, precedence FROM sites
-- file: gone
SELECT s.name AS site, g."day", src.name AS source, CAST(sum(g.pageviews) AS BIGINT) AS pageviews, CAST(sum(g.bots) AS BIGINT) AS bots
FROM gone g JOIN sites s ON s.id = g.site JOIN (VALUES {sources}) src(id, name) ON src.id = g.source
GROUP BY ALL
-- file: stayed
SELECT s.name AS site, g."day", p.path, CAST(sum(g.stays) AS BIGINT) AS stays, CAST(sum(g.seconds) AS BIGINT) AS seconds
FROM stayed g JOIN sites s ON s.id = g.site JOIN pages p ON p.id = g.page
GROUP BY ALL
