-- before the deploy. What scanners found: the latest word of each check on each subject, evidence for controls.

CREATE TABLE findings (
  tenant   INTEGER NOT NULL,
  key      TEXT    NOT NULL,              -- 32 digits, made of scanner, scope, check and subject
  control  TEXT    NOT NULL,              -- the key of its control
  scanner  TEXT    NOT NULL,
  scope    TEXT    NOT NULL,              -- what its report was all of
  check_id TEXT    NOT NULL,
  subject  TEXT    NOT NULL,
  at       BIGINT  NOT NULL,              -- when it was checked, in ticks
  share    DOUBLE PRECISION,              -- how much is passed, from 0 to 1
  points   DOUBLE PRECISION,              -- in place of a share
  details  TEXT    NOT NULL,
  PRIMARY KEY (tenant, key)
) WITHOUT ROWID;

CREATE INDEX findings_control ON findings (tenant, control, key);
CREATE INDEX findings_scope ON findings (tenant, scanner, scope, at);
CREATE INDEX findings_at ON findings (tenant, at);
