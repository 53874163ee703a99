-- before the deploy. When each row was first committed, as the log tells; what the log does not know stays at 0.

UPDATE "alerts_v2" SET born = events.stamp FROM events
WHERE events.kind = 'created' AND events.entity = 'alerts_v2'
  AND events.tenant = "alerts_v2".tenant AND events.id = "alerts_v2".id;

UPDATE "incidents" SET born = events.stamp FROM events
WHERE events.kind = 'created' AND events.entity = 'incidents'
  AND events.tenant = "incidents".tenant AND events.id = "incidents".id;
