-- By this a spool is known as this file's; see spool.go. Programs that know of none
-- would pass over what lies in it, so they must refuse the file.
CREATE TABLE spool (id UUID NOT NULL);
INSERT INTO spool VALUES (uuid());
