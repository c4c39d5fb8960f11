-- A hash of all that was read of a log file, as a signed number.
ALTER TABLE logs ADD COLUMN print BIGINT DEFAULT 0;
