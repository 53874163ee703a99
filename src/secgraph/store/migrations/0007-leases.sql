-- before the deploy. Which process does a piece of periodic work, and until when.

CREATE TABLE leases (
  name   TEXT   NOT NULL PRIMARY KEY,       -- of the work
  holder TEXT   NOT NULL,                   -- the process
  fence  BIGINT NOT NULL,                   -- grows with each take-over
  ends   BIGINT NOT NULL                    -- ticks, by the clock of the holder
);
