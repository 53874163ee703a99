-- before the deploy. Certificates by which an application proves itself, and the assertions made with them.

CREATE TABLE certificates (
  tenant  INTEGER NOT NULL,
  client  TEXT    NOT NULL,
  sha256  TEXT    NOT NULL,                 -- thumbprints of the DER form, in hexadecimal
  sha1    TEXT    NOT NULL,
  subject TEXT    NOT NULL,
  starts  BIGINT  NOT NULL,
  ends    BIGINT  NOT NULL,
  created BIGINT  NOT NULL,
  der     BLOB    NOT NULL,
  PRIMARY KEY (tenant, client, sha256)
);

CREATE TABLE assertions (                   -- those that were used and are not over yet
  tenant  INTEGER NOT NULL,
  client  TEXT    NOT NULL,
  jti     TEXT    NOT NULL,                 -- SHA-256 of its id, which may have any length
  content TEXT    NOT NULL,                 -- SHA-256 of what was signed
  first   BIGINT  NOT NULL,                 -- when it was first used
  ends    BIGINT  NOT NULL,
  PRIMARY KEY (tenant, client, jti)
) WITHOUT ROWID;
CREATE INDEX assertions_ends ON assertions (tenant, ends);
