-- before the deploy. The configured sources of each tenant: what they were told, where they go on, and how they fare.

CREATE TABLE sources (
  tenant  INTEGER NOT NULL,
  name    TEXT    NOT NULL,
  kind    TEXT    NOT NULL,               -- an installed source
  road    TEXT    NOT NULL,               -- pull, listen, file, webhook, push
  options TEXT    NOT NULL,               -- JSON: what it was told, without what is secret
  sealed  BLOB,                           -- JSON of what is secret: seal.py
  hook    TEXT,                           -- the unguessable part of its address, where it is a webhook
  paused  INTEGER NOT NULL,
  every   BIGINT,                         -- seconds; null where it is as its kind has it
  silence BIGINT,                         -- seconds; null where it is as its road has it
  number  BIGINT  NOT NULL,               -- grows with each change; another one where it was removed and added again
  PRIMARY KEY (tenant, name)
) WITHOUT ROWID;

CREATE TABLE source_places (              -- where the next pull goes on, or a file is read on
  tenant INTEGER NOT NULL,
  name   TEXT    NOT NULL,
  place  TEXT    NOT NULL,                -- a JSON object
  PRIMARY KEY (tenant, name)
) WITHOUT ROWID;

CREATE TABLE source_health (              -- of every source that delivered or was asked, configured or not; instants in ticks
  tenant    INTEGER NOT NULL,
  name      TEXT    NOT NULL,
  asked     BIGINT  NOT NULL,             -- 0 where it never was, as with all instants here
  succeeded BIGINT  NOT NULL,
  failed    BIGINT  NOT NULL,
  reason    TEXT    NOT NULL,             -- of the last failure
  failures  BIGINT  NOT NULL,             -- since the last success
  heard     BIGINT  NOT NULL,             -- when a record came last
  newest    BIGINT  NOT NULL,             -- the latest instant that a record was about
  taken     BIGINT  NOT NULL,
  unchanged BIGINT  NOT NULL,
  rejected  BIGINT  NOT NULL,
  silent    BIGINT  NOT NULL,             -- since when it was told to be silent
  PRIMARY KEY (tenant, name)
) WITHOUT ROWID;

CREATE TABLE source_rates (               -- what came in each hour
  tenant    INTEGER NOT NULL,
  name      TEXT    NOT NULL,
  hour      BIGINT  NOT NULL,             -- its begin, in ticks
  taken     BIGINT  NOT NULL,
  unchanged BIGINT  NOT NULL,
  rejected  BIGINT  NOT NULL,
  PRIMARY KEY (tenant, name, hour)
) WITHOUT ROWID;
