-- The numbers of dimensions tell of bots, too. A program that does not know these
-- would not go on adding them up, and must refuse the file.
DELETE FROM watermarks WHERE dimension BETWEEN 15 AND 999;
