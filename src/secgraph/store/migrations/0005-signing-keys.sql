-- before the deploy. The keys of this installation: those that sign tokens, and those that sign links.

CREATE TABLE signing_keys (
  kind   TEXT   NOT NULL,                   -- token, links
  name   TEXT   NOT NULL,                   -- the last of its kind signs
  starts BIGINT,                            -- when it began to sign; null where nobody knows
  sealed BLOB   NOT NULL,                   -- seal.py
  PRIMARY KEY (kind, name)
);
