-- before the deploy. Whether the last delivery of each source could be taken; older clients are told of those that could not.

CREATE TABLE source_states (
  tenant   INTEGER NOT NULL,
  source   TEXT    NOT NULL,
  vendor   TEXT    NOT NULL,                -- as the older alert's vendorInformation shows them
  provider TEXT    NOT NULL,
  status   BIGINT  NOT NULL,                -- 200, or the HTTP status that says what was wrong
  latency  BIGINT  NOT NULL,                -- of the delivery that brought this state, in ms
  since    BIGINT  NOT NULL,                -- ticks
  PRIMARY KEY (tenant, source)
) WITHOUT ROWID;
