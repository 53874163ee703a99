-- before the deploy. What is to be carried back to the products that own alerts, member by member, and what became of it.

CREATE TABLE write_backs (
  tenant   INTEGER NOT NULL,
  alert    TEXT    NOT NULL,
  number   BIGINT  NOT NULL,              -- of the change in the log
  member   TEXT    NOT NULL,              -- status, assignedTo, classification, determination, comments
  part     BIGINT  NOT NULL,              -- of several comments of one change, which one
  source   TEXT    NOT NULL,              -- which of the alert's sources carries it
  native   TEXT    NOT NULL,              -- what that source calls the alert
  value    TEXT    NOT NULL,              -- JSON, as it was set; of comments a new text
  made     BIGINT  NOT NULL,              -- the stamp of the change; instants in ticks
  begun    BIGINT  NOT NULL,              -- since when it is tried
  state    INTEGER NOT NULL,              -- 0 pending, 1 not known, 2 refused, 3 superseded, 4 accepted
  reason   TEXT    NOT NULL,
  attempts BIGINT  NOT NULL,
  next     BIGINT  NOT NULL,              -- not tried again before
  done     BIGINT  NOT NULL,              -- 0 while something is to be done about it
  PRIMARY KEY (tenant, alert, number, member, part)
) WITHOUT ROWID;

CREATE INDEX write_backs_due ON write_backs (tenant, done, source, next);
