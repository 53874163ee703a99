-- before the deploy. How long each tenant keeps what, and what was taken away.

CREATE TABLE retention (
  tenant INTEGER NOT NULL,
  kind   TEXT    NOT NULL,                  -- alerts, originals, events
  days   BIGINT  NOT NULL,                  -- 0 keeps all
  PRIMARY KEY (tenant, kind)
) WITHOUT ROWID;

CREATE TABLE removed (
  tenant INTEGER NOT NULL,
  stamp  BIGINT  NOT NULL,                  -- of the removal, which is a change like any other
  entity TEXT    NOT NULL,                  -- the set's table
  id     TEXT    NOT NULL,
  born   BIGINT  NOT NULL,                  -- whoever read up to an earlier instant cannot have it
  PRIMARY KEY (tenant, stamp)
) WITHOUT ROWID;

ALTER TABLE tenants ADD COLUMN pruned BIGINT NOT NULL DEFAULT 0;  -- up to this stamp the log and the removals may be gone

CREATE INDEX incident_keys_incident ON incident_keys (tenant, incident);
CREATE INDEX entries_received ON entries (tenant, received) WHERE original IS NOT NULL;
