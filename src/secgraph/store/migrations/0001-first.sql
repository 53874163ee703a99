-- before the deploy. Everything that is not one of the model's own sets; those tables follow layout.py.

CREATE TABLE tenants (
  tenant    INTEGER NOT NULL PRIMARY KEY,   -- the head of every key; a GUID in each index entry would cost five times this
  guid      TEXT    NOT NULL UNIQUE,
  name      TEXT    NOT NULL UNIQUE,
  created   BIGINT  NOT NULL,
  seq       BIGINT  NOT NULL,               -- the tenant's clock: the last number handed out,
  stamp     BIGINT  NOT NULL,               -- its instant (ticks of 100 ns since 1970),
  incidents BIGINT  NOT NULL                -- and the last incident id
);

CREATE TABLE applications (
  tenant      INTEGER NOT NULL,
  client      TEXT    NOT NULL,
  name        TEXT    NOT NULL,
  created     BIGINT  NOT NULL,
  generation  BIGINT  NOT NULL,             -- tokens of an older generation are refused
  permissions TEXT    NOT NULL,             -- JSON array
  PRIMARY KEY (tenant, client)
);
CREATE UNIQUE INDEX applications_name ON applications (tenant, name);

CREATE TABLE secrets (
  tenant  INTEGER NOT NULL,
  client  TEXT    NOT NULL,
  id      TEXT    NOT NULL,
  salt    BLOB    NOT NULL,
  hash    BLOB    NOT NULL,
  created BIGINT  NOT NULL,
  PRIMARY KEY (tenant, client, id)
);

CREATE TABLE events (
  tenant  INTEGER NOT NULL,
  seq     BIGINT  NOT NULL,
  stamp   BIGINT  NOT NULL,
  kind    TEXT    NOT NULL,                 -- created, updated
  entity  TEXT    NOT NULL,                 -- the set's table
  id      TEXT    NOT NULL,
  changed TEXT    NOT NULL,                 -- JSON array of members
  cause   TEXT    NOT NULL,
  PRIMARY KEY (tenant, seq)
) WITHOUT ROWID;

CREATE TABLE entries (
  tenant     INTEGER NOT NULL,
  alert      TEXT    NOT NULL,
  source     TEXT    NOT NULL,
  product    TEXT    NOT NULL,
  native     TEXT    NOT NULL,
  updated    BIGINT,                        -- the product's own update clock
  received   BIGINT  NOT NULL,
  repaired   INTEGER NOT NULL,              -- NUL or lone surrogates were replaced
  normalised TEXT    NOT NULL,              -- what the source last said, in the words of the contract
  PRIMARY KEY (tenant, alert, source)
);

CREATE TABLE originals (
  tenant INTEGER NOT NULL,
  alert  TEXT    NOT NULL,
  source TEXT    NOT NULL,
  data   BLOB    NOT NULL,                  -- zlib
  PRIMARY KEY (tenant, alert, source)
);

CREATE TABLE incident_keys (
  tenant   INTEGER NOT NULL,
  space    TEXT    NOT NULL,
  native   TEXT    NOT NULL,
  incident TEXT    NOT NULL,
  PRIMARY KEY (tenant, space, native)
) WITHOUT ROWID;

CREATE TABLE rejected (
  tenant   INTEGER NOT NULL,
  number   BIGINT  NOT NULL,
  source   TEXT    NOT NULL,
  line     BIGINT  NOT NULL,
  reason   TEXT    NOT NULL,
  received BIGINT  NOT NULL,
  data     BLOB    NOT NULL,                -- zlib
  PRIMARY KEY (tenant, number)
);

CREATE TABLE facts (                        -- about this installation: one word, one value
  name  TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;
