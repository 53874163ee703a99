-- before the deploy. What alerts name and how each is judged with others, and what became of that.

ALTER TABLE tenants ADD COLUMN terms BIGINT NOT NULL DEFAULT 0;  -- grows with whatever changes by what alerts are judged
ALTER TABLE tenants ADD COLUMN unread TEXT;                      -- alerts behind this id were never read for what they name

ALTER TABLE events ADD COLUMN note BLOB;                         -- what of a change a replay needs to know beyond its line

CREATE TABLE subjects (
  tenant   INTEGER NOT NULL,
  born     BIGINT  NOT NULL,              -- the alert's first instant, of which a tenant has no two
  alert    TEXT    NOT NULL,
  incident BIGINT  NOT NULL,
  v        BIGINT  NOT NULL,              -- of the snapshot it was judged under
  first    BIGINT  NOT NULL,              -- when its activity began and ended
  last     BIGINT  NOT NULL,
  keys     BLOB    NOT NULL,              -- of what it names, eight bytes each
  data     BLOB    NOT NULL,              -- as it is judged
  PRIMARY KEY (tenant, born)
) WITHOUT ROWID;
CREATE INDEX subjects_incident ON subjects (tenant, incident);

CREATE TABLE postings (                   -- which alerts name a key, by the end of their activity
  tenant INTEGER NOT NULL,
  slot   INTEGER NOT NULL,                -- so many days of it: what comes today stands together, whatever its keys
  key    BIGINT  NOT NULL,
  last   BIGINT  NOT NULL,
  born   BIGINT  NOT NULL,
  PRIMARY KEY (tenant, slot, key, last, born)
) WITHOUT ROWID;

CREATE TABLE entities (                   -- what was named: the strongest key that it was named by
  tenant INTEGER NOT NULL,
  key    BIGINT  NOT NULL,
  text   TEXT    NOT NULL,                -- the key itself, its type first
  name   TEXT    NOT NULL,
  PRIMARY KEY (tenant, key)
) WITHOUT ROWID;
CREATE INDEX entities_text ON entities (tenant, text);

CREATE TABLE cases (                      -- what is kept of an incident beside its row
  tenant    INTEGER NOT NULL,
  incident  BIGINT  NOT NULL,
  alerts    BIGINT  NOT NULL,
  first     BIGINT  NOT NULL,
  last      BIGINT  NOT NULL,
  series    TEXT    NOT NULL,             -- the one that all its alerts are of; empty where there are several
  continues BIGINT,                       -- the incident that it goes on from
  joined    BIGINT  NOT NULL,             -- the stamp of what last joined it
  settled   INTEGER NOT NULL,
  outline   BLOB    NOT NULL,             -- what its alerts say together
  PRIMARY KEY (tenant, incident)
) WITHOUT ROWID;
CREATE INDEX cases_unsettled ON cases (tenant, joined) WHERE settled = 0;

CREATE TABLE apart (                      -- incidents that a person keeps apart, each pair both ways
  tenant   INTEGER NOT NULL,
  incident BIGINT  NOT NULL,
  other    BIGINT  NOT NULL,
  PRIMARY KEY (tenant, incident, other)
) WITHOUT ROWID;

CREATE TABLE reasons (                    -- why an alert is where it is
  tenant INTEGER NOT NULL,
  born   BIGINT  NOT NULL,                -- of the alert
  stamp  BIGINT  NOT NULL,
  data   BLOB    NOT NULL,
  PRIMARY KEY (tenant, born, stamp)
) WITHOUT ROWID;

CREATE TABLE snapshots (                  -- how common things and detections were
  tenant INTEGER NOT NULL,
  v      BIGINT  NOT NULL,
  stamp  BIGINT  NOT NULL,
  total  BIGINT  NOT NULL,
  counts BLOB    NOT NULL,
  PRIMARY KEY (tenant, v)
);

CREATE TABLE correlation (                -- what a tenant says about it
  tenant INTEGER NOT NULL,
  name   TEXT    NOT NULL,
  value  TEXT    NOT NULL,                -- JSON
  PRIMARY KEY (tenant, name)
) WITHOUT ROWID;

UPDATE tenants SET unread = '' WHERE seq > 0;
