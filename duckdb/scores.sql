-- Visits and visitors are no part of a score; the numbers of scores begin at 1000.
UPDATE rollups SET visits = 0, visitors = 0 WHERE dimension >= 1000;
