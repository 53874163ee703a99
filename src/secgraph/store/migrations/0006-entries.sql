-- before the deploy. What a source said is packed, in one row with the original, and found by the alert's first instant: in
-- the order of arrival, so that a new row touches one page at the end instead of three anywhere.

-- What the log does not tell gets an instant of its own all the same.
UPDATE "alerts_v2" SET born = -unknown.place
FROM (SELECT tenant, id, row_number() OVER (PARTITION BY tenant ORDER BY id) AS place FROM "alerts_v2" WHERE born = 0) unknown
WHERE unknown.tenant = "alerts_v2".tenant AND unknown.id = "alerts_v2".id;

CREATE TABLE entries_packed (
  tenant     INTEGER NOT NULL,
  born       BIGINT  NOT NULL,              -- the alert's first instant, of which a tenant has no two
  source     TEXT    NOT NULL,
  product    TEXT    NOT NULL,
  native     TEXT    NOT NULL,
  updated    BIGINT,                        -- the product's own update clock
  received   BIGINT  NOT NULL,
  repaired   INTEGER NOT NULL,              -- NUL or lone surrogates were replaced
  digest     BLOB    NOT NULL,              -- of the normalised record; empty for one from before
  normalised BLOB    NOT NULL,              -- what the source last said, in the words of the contract; zlib
  original   BLOB,                          -- as it came; zlib
  PRIMARY KEY (tenant, born, source)
);

INSERT INTO entries_packed
SELECT e.tenant, a.born, e.source, e.product, e.native, e.updated, e.received, e.repaired, CAST('' AS BLOB),
       CAST(e.normalised AS BLOB), o.data
FROM entries e
JOIN "alerts_v2" a ON a.tenant = e.tenant AND a.id = e.alert
LEFT JOIN originals o ON o.tenant = e.tenant AND o.alert = e.alert AND o.source = e.source;

DROP TABLE entries;
DROP TABLE originals;
ALTER TABLE entries_packed RENAME TO entries;
