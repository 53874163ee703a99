-- before the deploy. The entries of lists that hardly change from one day to the next, each with the days on which it was so.

CREATE TABLE score_entries (
  tenant INTEGER NOT NULL,
  kind   TEXT    NOT NULL,                -- the table of the set whose documents they belong to
  series TEXT    NOT NULL,                -- whose days these are
  name   TEXT    NOT NULL,                -- of the entry; empty for what changes with every day
  since  BIGINT  NOT NULL,                -- the first day, in days since 1970
  until  BIGINT  NOT NULL,                -- the day on which it does not hold any more
  entry  TEXT    NOT NULL,                -- JSON
  PRIMARY KEY (tenant, kind, series, name, since)
) WITHOUT ROWID;

CREATE INDEX score_entries_until ON score_entries (tenant, kind, until, since);
