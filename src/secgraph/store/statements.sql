-- Hand-written statements, by name. A value is written :name; identifiers are never values.

-- name: tenant_add
-- The number has never been used, not by a tenant deleted since either; the clock starts at zero.
INSERT INTO tenants (tenant, guid, name, created, seq, stamp, incidents)
SELECT coalesce(max(used.number), 0) + 1, :guid, :name, :created, 0, 0, 0
FROM (SELECT tenant AS number FROM tenants
      UNION ALL SELECT CAST(value AS BIGINT) FROM facts WHERE name = 'last_tenant') AS used;

-- name: tenants
SELECT tenant, guid, name, created, seq FROM tenants ORDER BY tenant;

-- name: tenant_called
SELECT tenant, guid, name, created, seq FROM tenants WHERE guid = :word OR name = :word;

-- name: tenant_numbered
SELECT tenant, guid, name, created, seq FROM tenants WHERE tenant = :tenant;

-- name: tenant_delete
DELETE FROM tenants WHERE tenant = :tenant;

-- name: tenant_stamp
SELECT stamp, pruned FROM tenants WHERE tenant = :tenant;

-- name: tenant_tick
UPDATE tenants SET seq = :seq, stamp = :stamp, incidents = :incidents, terms = :terms WHERE tenant = :tenant;

-- name: tenants_unread
-- Where alerts are left that were never read for what they name, and the id up to which that was done.
SELECT tenant, unread FROM tenants WHERE unread IS NOT NULL ORDER BY tenant;

-- name: tenant_read
UPDATE tenants SET unread = :upto WHERE tenant = :tenant;

-- name: application_add
INSERT INTO applications (tenant, client, name, created, generation, permissions)
VALUES (:tenant, :client, :name, :created, 1, :permissions);

-- name: applications
SELECT client, name, created, generation, permissions FROM applications WHERE tenant = :tenant ORDER BY name;

-- name: application
SELECT client, name, created, generation, permissions FROM applications WHERE tenant = :tenant AND client = :client;

-- name: application_called
SELECT client, name, created, generation, permissions FROM applications
WHERE tenant = :tenant AND (client = :word OR name = :word);

-- name: application_permit
-- A wider grant leaves tokens alone; a narrower one ends them (step 1).
UPDATE applications SET permissions = :permissions, generation = generation + :step
WHERE tenant = :tenant AND client = :client;

-- name: application_delete
DELETE FROM applications WHERE tenant = :tenant AND client = :client;

-- name: secret_add
INSERT INTO secrets (tenant, client, id, salt, hash, created) VALUES (:tenant, :client, :id, :salt, :hash, :created);

-- name: secrets
SELECT id, salt, hash, created FROM secrets WHERE tenant = :tenant AND client = :client;

-- name: secrets_delete
DELETE FROM secrets WHERE tenant = :tenant AND client = :client;

-- name: application_end_tokens
UPDATE applications SET generation = generation + 1 WHERE tenant = :tenant AND client = :client;

-- name: tokens_end
-- Of all applications of a tenant; no generation is one again that may have been.
UPDATE applications SET generation = generation + 1 + :most WHERE tenant = :tenant;

-- name: certificate_add
-- Of an application deleted meanwhile nothing may be left.
INSERT INTO certificates (tenant, client, sha256, sha1, subject, starts, ends, created, der)
SELECT tenant, client, :sha256, :sha1, :subject, :starts, :ends, :created, :der FROM applications
WHERE tenant = :tenant AND client = :client;

-- name: certificates
SELECT sha256, sha1, subject, starts, ends, created, der FROM certificates
WHERE tenant = :tenant AND client = :client ORDER BY ends, sha256;

-- name: certificate_end_tokens
-- Only where there is such a certificate: one that was removed already ends nothing again.
UPDATE applications SET generation = generation + 1
WHERE tenant = :tenant AND client = :client AND EXISTS (
  SELECT 1 FROM certificates c
  WHERE c.tenant = applications.tenant AND c.client = applications.client AND c.sha256 = :sha256);

-- name: certificate_delete
DELETE FROM certificates WHERE tenant = :tenant AND client = :client AND sha256 = :sha256;

-- name: certificates_delete
DELETE FROM certificates WHERE tenant = :tenant AND client = :client;

-- name: assertion
SELECT content, first FROM assertions WHERE tenant = :tenant AND client = :client AND jti = :jti;

-- name: assertion_add
INSERT INTO assertions (tenant, client, jti, content, first, ends)
VALUES (:tenant, :client, :jti, :content, :first, :ends);

-- name: assertions_over
DELETE FROM assertions WHERE tenant = :tenant AND ends < :now;

-- name: assertions_delete
DELETE FROM assertions WHERE tenant = :tenant AND client = :client;

-- name: events
SELECT seq, stamp, kind, entity, id, changed, cause FROM events
WHERE tenant = :tenant AND seq > :after ORDER BY seq LIMIT :most;

-- name: events_noted
SELECT seq, stamp, kind, entity, id, changed, cause, note FROM events
WHERE tenant = :tenant AND seq > :after ORDER BY seq LIMIT :most;

-- name: entry_put
INSERT INTO entries (tenant, born, source, product, native, updated, received, repaired, digest, normalised, original)
VALUES (:tenant, :born, :source, :product, :native, :updated, :received, :repaired, :digest, :normalised, :original)
ON CONFLICT (tenant, born, source) DO UPDATE SET
  updated = excluded.updated, received = excluded.received, repaired = excluded.repaired,
  digest = excluded.digest, normalised = excluded.normalised, original = excluded.original;

-- name: entries_remove
DELETE FROM entries WHERE tenant = :tenant AND born = :born;

-- name: originals
SELECT e.source, e.product, e.native, e.updated, e.received, e.repaired, e.original
FROM "alerts_v2" a JOIN entries e ON e.tenant = a.tenant AND e.born = a.born
WHERE a.tenant = :tenant AND a.id = :alert AND e.original IS NOT NULL ORDER BY e.source;

-- name: subjects
SELECT born, alert, incident, data FROM subjects WHERE tenant = :tenant AND born > :after ORDER BY born LIMIT :most;

-- name: subject_put
INSERT INTO subjects (tenant, born, alert, incident, v, first, last, keys, data)
VALUES (:tenant, :born, :alert, :incident, :v, :first, :last, :keys, :data)
ON CONFLICT (tenant, born) DO UPDATE SET
  incident = excluded.incident, v = excluded.v, first = excluded.first, last = excluded.last, keys = excluded.keys,
  data = excluded.data;

-- name: subject_move
UPDATE subjects SET incident = :incident WHERE tenant = :tenant AND born = :born;

-- name: subject_remove
DELETE FROM subjects WHERE tenant = :tenant AND born = :born;

-- name: posting_remove
DELETE FROM postings WHERE tenant = :tenant AND slot = :slot AND key = :key AND last = :last AND born = :born;

-- name: entity_put
-- What something was called first stays.
INSERT INTO entities (tenant, key, text, name) VALUES (:tenant, :key, :text, :name)
ON CONFLICT (tenant, key) DO NOTHING;

-- name: entity_forget
-- What no alert names any more, whatever the slot: the latest first, where most are found.
DELETE FROM entities WHERE tenant = :tenant AND key = :key AND NOT EXISTS (
  WITH RECURSIVE slots (slot) AS (
    SELECT max(slot) FROM postings WHERE tenant = :tenant
    UNION ALL SELECT (SELECT max(p.slot) FROM postings p WHERE p.tenant = :tenant AND p.slot < slots.slot)
    FROM slots WHERE slots.slot IS NOT NULL)
  SELECT 1 FROM slots s JOIN postings p ON p.tenant = :tenant AND p.slot = s.slot AND p.key = :key);

-- name: entities
-- In the order of their keys; when they were seen is told by what names them, slot by slot.
WITH RECURSIVE slots (slot) AS (
  SELECT min(slot) FROM postings WHERE tenant = :tenant
  UNION ALL SELECT (SELECT min(p.slot) FROM postings p WHERE p.tenant = :tenant AND p.slot > slots.slot)
  FROM slots WHERE slots.slot IS NOT NULL)
SELECT e.key, e.text, e.name,
  (SELECT min((SELECT p.last FROM postings p
    WHERE p.tenant = :tenant AND p.slot = k.slot AND p.key = e.key ORDER BY p.last LIMIT 1)) FROM slots k) AS first,
  (SELECT max((SELECT p.last FROM postings p
    WHERE p.tenant = :tenant AND p.slot = k.slot AND p.key = e.key ORDER BY p.last DESC LIMIT 1)) FROM slots k) AS last
FROM entities e WHERE e.tenant = :tenant AND e.text > :after AND e.text < :before ORDER BY e.text LIMIT :most;

-- name: entity_names
-- The same without the times, of which there are several to be looked up for each.
SELECT e.key, e.text, e.name FROM entities e
WHERE e.tenant = :tenant AND e.text > :after AND e.text < :before ORDER BY e.text LIMIT :most;

-- name: entity
-- One of them, and how many alerts name it, no further counted than to a few.
WITH RECURSIVE slots (slot) AS (
  SELECT min(slot) FROM postings WHERE tenant = :tenant
  UNION ALL SELECT (SELECT min(p.slot) FROM postings p WHERE p.tenant = :tenant AND p.slot > slots.slot)
  FROM slots WHERE slots.slot IS NOT NULL)
SELECT e.key, e.text, e.name,
  (SELECT min((SELECT p.last FROM postings p
    WHERE p.tenant = :tenant AND p.slot = k.slot AND p.key = e.key ORDER BY p.last LIMIT 1)) FROM slots k) AS first,
  (SELECT max((SELECT p.last FROM postings p
    WHERE p.tenant = :tenant AND p.slot = k.slot AND p.key = e.key ORDER BY p.last DESC LIMIT 1)) FROM slots k) AS last,
  (SELECT count(*) FROM (SELECT 1 FROM slots k CROSS JOIN postings p
    WHERE p.tenant = :tenant AND p.slot = k.slot AND p.key = e.key LIMIT :few) AS named) AS named
FROM entities e WHERE e.tenant = :tenant AND e.key = :key;

-- name: naming
-- The latest alert that names a thing by a key, as it is judged, and the same of the thing.
WITH RECURSIVE slots (slot) AS (
  SELECT min(slot) FROM postings WHERE tenant = :tenant
  UNION ALL SELECT (SELECT min(p.slot) FROM postings p WHERE p.tenant = :tenant AND p.slot > slots.slot)
  FROM slots WHERE slots.slot IS NOT NULL)
SELECT s.alert, s.v, s.data,
  (SELECT min((SELECT p.last FROM postings p
    WHERE p.tenant = :tenant AND p.slot = k.slot AND p.key = :key ORDER BY p.last LIMIT 1)) FROM slots k) AS first,
  (SELECT max((SELECT p.last FROM postings p
    WHERE p.tenant = :tenant AND p.slot = k.slot AND p.key = :key ORDER BY p.last DESC LIMIT 1)) FROM slots k) AS last,
  (SELECT count(*) FROM (SELECT 1 FROM slots k CROSS JOIN postings p
    WHERE p.tenant = :tenant AND p.slot = k.slot AND p.key = :key LIMIT :few) AS named) AS named
FROM postings n JOIN subjects s ON s.tenant = n.tenant AND s.born = n.born
WHERE n.tenant = :tenant AND n.key = :key AND n.slot = (SELECT max(k.slot) FROM slots k
  WHERE EXISTS (SELECT 1 FROM postings p WHERE p.tenant = :tenant AND p.slot = k.slot AND p.key = :key))
ORDER BY n.last DESC, n.born DESC LIMIT 1;

-- name: correlations
-- Why the alerts of an incident are where they are, in the order in which they came: from one of these on. By its own choice
-- the planner walks over all alerts of the tenant, for they are in that order.
SELECT s.born, s.alert, r.stamp, r.data FROM subjects s INDEXED BY subjects_incident CROSS JOIN reasons r
WHERE r.tenant = s.tenant AND r.born = s.born AND s.tenant = :tenant AND s.incident = :incident
  AND (s.born, r.stamp) >= (:born, :stamp)
ORDER BY s.born, r.stamp LIMIT :most;

-- name: case_put
INSERT INTO cases (tenant, incident, alerts, first, last, series, continues, joined, settled, outline)
VALUES (:tenant, :incident, :alerts, :first, :last, :series, :continues, :joined, :settled, :outline)
ON CONFLICT (tenant, incident) DO UPDATE SET
  alerts = excluded.alerts, first = excluded.first, last = excluded.last, series = excluded.series,
  continues = excluded.continues, joined = excluded.joined, settled = excluded.settled, outline = excluded.outline;

-- name: cases_unsettled
-- Those first that have been quiet for longest.
SELECT incident FROM cases WHERE tenant = :tenant AND settled = 0 AND joined <= :before ORDER BY joined LIMIT :most;

-- name: case
SELECT alerts, first, last, continues, joined, settled, outline FROM cases WHERE tenant = :tenant AND incident = :incident;

-- name: case_remove
DELETE FROM cases WHERE tenant = :tenant AND incident = :incident;

-- name: apart_put
INSERT INTO apart (tenant, incident, other) VALUES (:tenant, :incident, :other)
ON CONFLICT (tenant, incident, other) DO NOTHING;

-- name: apart_remove
DELETE FROM apart WHERE tenant = :tenant AND incident = :incident AND other = :other;

-- name: reasons_put
INSERT INTO reasons (tenant, born, stamp, data) VALUES (:tenant, :born, :stamp, :data);

-- name: reasons
SELECT born, stamp, data FROM reasons WHERE tenant = :tenant ORDER BY born, stamp;

-- name: reasons_remove
DELETE FROM reasons WHERE tenant = :tenant AND born = :born;

-- name: terms
SELECT terms FROM tenants WHERE tenant = :tenant;

-- name: correlation
SELECT name, value FROM correlation WHERE tenant = :tenant;

-- name: correlation_put
INSERT INTO correlation (tenant, name, value) VALUES (:tenant, :name, :value)
ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value;

-- name: correlation_remove
DELETE FROM correlation WHERE tenant = :tenant AND name = :name;

-- name: snapshot_put
INSERT INTO snapshots (tenant, v, stamp, total, counts) VALUES (:tenant, :v, :stamp, :total, :counts);

-- name: snapshot
SELECT v, stamp, total, counts FROM snapshots WHERE tenant = :tenant ORDER BY v DESC LIMIT 1;

-- name: snapshots
SELECT v, stamp, total, counts FROM snapshots WHERE tenant = :tenant ORDER BY v;

-- name: snapshots_prune
-- The one by which alerts were judged at that instant stays, and all after it.
DELETE FROM snapshots WHERE tenant = :tenant
  AND v < (SELECT max(known.v) FROM snapshots known WHERE known.tenant = :tenant AND known.stamp <= :stamp);

-- name: keys_counted
SELECT key, count(*) AS many FROM postings
WHERE tenant = :tenant AND slot IN (:slot, :slot + 1, :slot + 2, :slot + 3) AND key >= :low AND key <= :high AND last >= :since
GROUP BY key HAVING count(*) >= :least ORDER BY key;

-- name: alerts_counted
SELECT count(*) AS many FROM "alerts_v2"
WHERE tenant = :tenant AND "createdDateTime" >= :since AND "createdDateTime" < :until;

-- name: incident_key_put
INSERT INTO incident_keys (tenant, space, native, incident) VALUES (:tenant, :space, :native, :incident)
ON CONFLICT (tenant, space, native) DO UPDATE SET incident = excluded.incident;

-- name: incident_keys_remove
DELETE FROM incident_keys WHERE tenant = :tenant AND incident = :incident;

-- name: alerts_behind
SELECT id FROM "alerts_v2" WHERE tenant = :tenant AND id > :after ORDER BY id LIMIT :most;

-- name: alerts_held
SELECT id FROM "alerts_v2" WHERE tenant = :tenant AND "incidentId" = :incident
ORDER BY "createdDateTime", id LIMIT :most;

-- name: alerts_open
SELECT id FROM "alerts_v2" WHERE tenant = :tenant AND "incidentId" = :incident AND "status" <> :resolved
ORDER BY "createdDateTime", id LIMIT :most;

-- name: removed
-- What was taken away, of every set: whoever reads it picks its own, so that a step costs the same whatever it finds.
SELECT stamp, entity, id, born FROM removed
WHERE tenant = :tenant AND stamp > :after AND stamp <= :upto ORDER BY stamp LIMIT :most;

-- name: assets_since
-- What changed behind one stamp and up to another.
SELECT "lastUpdateDateTime" AS stamp, doc FROM "assets"
WHERE tenant = :tenant AND "lastUpdateDateTime" > :after AND "lastUpdateDateTime" <= :upto
ORDER BY "lastUpdateDateTime" LIMIT :most;

-- name: retention
SELECT kind, days FROM retention WHERE tenant = :tenant;

-- name: retention_put
INSERT INTO retention (tenant, kind, days) VALUES (:tenant, :kind, :days)
ON CONFLICT (tenant, kind) DO UPDATE SET days = excluded.days;

-- name: alerts_of_status
SELECT id, "createdDateTime" AS created FROM "alerts_v2"
WHERE tenant = :tenant AND status = :status AND "createdDateTime" < :before
  AND ("createdDateTime", id) > (:created, :after)
ORDER BY "createdDateTime", id LIMIT :most;

-- name: incidents_of_status
SELECT i.id, i."createdDateTime" AS created, i."lastUpdateDateTime" AS updated,
  EXISTS (SELECT 1 FROM "alerts_v2" a WHERE a.tenant = i.tenant AND a."incidentId" = i.id) AS held
FROM "incidents" i
WHERE i.tenant = :tenant AND i.status = :status AND i."createdDateTime" < :before
  AND (i."createdDateTime", i.id) > (:created, :after)
ORDER BY i."createdDateTime", i.id LIMIT :most;

-- name: originals_before
SELECT born, source, normalised, original FROM entries
WHERE tenant = :tenant AND received < :before AND original IS NOT NULL ORDER BY received LIMIT :most;

-- name: original_drop
-- A version that came meanwhile was received later.
UPDATE entries SET original = NULL, normalised = :normalised
WHERE tenant = :tenant AND born = :born AND source = :source AND received < :before;

-- name: events_prune
DELETE FROM events WHERE tenant = :tenant AND seq <= :seq;

-- name: removed_prune
DELETE FROM removed WHERE tenant = :tenant AND stamp <= :stamp;

-- name: tenant_pruned
UPDATE tenants SET pruned = :stamp WHERE tenant = :tenant AND pruned < :stamp;

-- name: rejected_last
SELECT coalesce(max(number), 0) FROM rejected WHERE tenant = :tenant;

-- name: rejected
SELECT number, source, line, reason, received, data FROM rejected
WHERE tenant = :tenant AND number > :after ORDER BY number LIMIT :most;

-- name: rejected_delete
DELETE FROM rejected WHERE tenant = :tenant AND number = :number;

-- name: source_state
SELECT vendor, provider, status, latency, since FROM source_states WHERE tenant = :tenant AND source = :source;

-- name: source_state_put
INSERT INTO source_states (tenant, source, vendor, provider, status, latency, since)
VALUES (:tenant, :source, :vendor, :provider, :status, :latency, :since)
ON CONFLICT (tenant, source) DO UPDATE SET
  vendor = excluded.vendor, provider = excluded.provider, status = excluded.status, latency = excluded.latency,
  since = excluded.since;

-- name: sources_failing
SELECT source, vendor, provider, status, latency, since FROM source_states
WHERE tenant = :tenant AND status <> 200 ORDER BY source;

-- name: sources
SELECT s.tenant, t.guid, s.name, s.kind, s.road, s.options, s.sealed, s.hook, s.paused, s.every, s.silence, s.number
FROM sources s JOIN tenants t ON t.tenant = s.tenant ORDER BY s.tenant, s.name;

-- name: sources_of
SELECT s.tenant, t.guid, s.name, s.kind, s.road, s.options, s.sealed, s.hook, s.paused, s.every, s.silence, s.number
FROM sources s JOIN tenants t ON t.tenant = s.tenant WHERE s.tenant = :tenant ORDER BY s.name;

-- name: source
SELECT s.tenant, t.guid, s.name, s.kind, s.road, s.options, s.sealed, s.hook, s.paused, s.every, s.silence, s.number
FROM sources s JOIN tenants t ON t.tenant = s.tenant WHERE s.tenant = :tenant AND s.name = :name;

-- name: source_add
INSERT INTO sources (tenant, name, kind, road, options, sealed, hook, paused, every, silence, number)
SELECT tenant, :name, :kind, :road, :options, :sealed, :hook, :paused, :every, :silence, :number
FROM tenants WHERE tenant = :tenant AND guid = :guid;

-- name: source_put
UPDATE sources SET options = :options, sealed = :sealed, hook = :hook, paused = :paused, every = :every, silence = :silence,
  number = :number
WHERE tenant = :tenant AND name = :name AND kind = :kind AND road = :road AND number = :former;

-- name: source_seal
UPDATE sources SET sealed = :sealed WHERE tenant = :tenant AND name = :name AND number = :number;

-- name: source_delete
DELETE FROM sources WHERE tenant = :tenant AND name = :name;

-- name: source_place
SELECT place FROM source_places WHERE tenant = :tenant AND name = :name;

-- name: source_place_put
-- Of what was changed or removed meanwhile the place is not moved.
INSERT INTO source_places (tenant, name, place)
SELECT tenant, name, :place FROM sources WHERE tenant = :tenant AND name = :name AND number = :number
ON CONFLICT (tenant, name) DO UPDATE SET place = excluded.place;

-- name: source_place_delete
DELETE FROM source_places WHERE tenant = :tenant AND name = :name;

-- name: source_health_add
-- What one process saw since it wrote last: several add up, and none takes away what another one wrote.
INSERT INTO source_health (tenant, name, asked, succeeded, failed, reason, failures, heard, newest, taken, unchanged, rejected, silent)
SELECT tenant, :name, :asked, :succeeded, :failed, :reason, :failures, :heard, :newest, :taken, :unchanged, :rejected, 0
FROM tenants WHERE tenant = :tenant
ON CONFLICT (tenant, name) DO UPDATE SET
  asked = CASE WHEN excluded.asked > source_health.asked THEN excluded.asked ELSE source_health.asked END,
  succeeded = CASE WHEN excluded.succeeded > source_health.succeeded THEN excluded.succeeded ELSE source_health.succeeded END,
  failed = CASE WHEN excluded.failed > source_health.failed THEN excluded.failed ELSE source_health.failed END,
  reason = CASE WHEN excluded.failed >= source_health.failed AND excluded.failed > 0 THEN excluded.reason ELSE source_health.reason END,
  failures = CASE WHEN excluded.succeeded > 0 AND excluded.succeeded >= source_health.failed THEN excluded.failures
    WHEN excluded.failed >= source_health.succeeded THEN source_health.failures + excluded.failures ELSE source_health.failures END,
  heard = CASE WHEN excluded.heard > source_health.heard THEN excluded.heard ELSE source_health.heard END,
  newest = CASE WHEN excluded.newest > source_health.newest THEN excluded.newest ELSE source_health.newest END,
  taken = source_health.taken + excluded.taken,
  unchanged = source_health.unchanged + excluded.unchanged,
  rejected = source_health.rejected + excluded.rejected;

-- name: source_rates_add
INSERT INTO source_rates (tenant, name, hour, taken, unchanged, rejected)
SELECT tenant, :name, :hour, :taken, :unchanged, :rejected FROM tenants WHERE tenant = :tenant
ON CONFLICT (tenant, name, hour) DO UPDATE SET
  taken = source_rates.taken + excluded.taken, unchanged = source_rates.unchanged + excluded.unchanged,
  rejected = source_rates.rejected + excluded.rejected;

-- name: source_healths
SELECT name, asked, succeeded, failed, reason, failures, heard, newest, taken, unchanged, rejected, silent FROM source_health
WHERE tenant = :tenant ORDER BY name;

-- name: source_healths_all
SELECT tenant, name, asked, succeeded, failed, reason, failures, heard, newest, taken, unchanged, rejected, silent
FROM source_health ORDER BY tenant, name;

-- name: source_silent
INSERT INTO source_health (tenant, name, asked, succeeded, failed, reason, failures, heard, newest, taken, unchanged, rejected, silent)
SELECT tenant, name, 0, 0, 0, :reason, 0, 0, 0, 0, 0, 0, :silent FROM sources WHERE tenant = :tenant AND name = :name
ON CONFLICT (tenant, name) DO UPDATE SET silent = excluded.silent;

-- name: source_rates
SELECT name, hour, taken + unchanged + rejected AS records FROM source_rates
WHERE tenant = :tenant AND hour >= :since ORDER BY name, hour;

-- name: source_rates_prune
DELETE FROM source_rates WHERE tenant = :tenant AND hour < :before;

-- name: source_health_delete
DELETE FROM source_health WHERE tenant = :tenant AND name = :name;

-- name: source_rates_delete
DELETE FROM source_rates WHERE tenant = :tenant AND name = :name;

-- name: write_backs_due
-- The alerts of which something is to be carried back now, the oldest change first.
SELECT alert, min(number) AS number FROM write_backs
WHERE tenant = :tenant AND done = 0 AND source = :source AND next <= :now
GROUP BY alert ORDER BY 2 LIMIT :most;

-- name: write_backs_told
-- What the product of an alert was told of each member, the last of it last.
SELECT member, value, made FROM write_backs
WHERE tenant = :tenant AND alert = :alert AND attempts > 0 ORDER BY number, part;

-- name: write_backs_open
-- What was refused comes too: with another change of the alert the product may take it.
SELECT number, member, part, native, value, begun, state, attempts, done FROM write_backs
WHERE tenant = :tenant AND alert = :alert AND source = :source AND (done = 0 OR state = 2) ORDER BY number, member, part;

-- name: write_back_said
-- How often an alert was given a comment of these words that its product took.
SELECT count(*) AS times FROM write_backs
WHERE tenant = :tenant AND alert = :alert AND member = :member AND value = :value AND state = 4;

-- name: write_back_sent
-- From here on it may have been done: whoever finds it so asks the product first.
UPDATE write_backs SET state = 1, reason = :reason, attempts = attempts + 1, done = 0
WHERE tenant = :tenant AND alert = :alert AND number = :number AND member = :member AND part = :part AND (done = 0 OR state = 2);

-- name: write_back_told
-- What was refused may be taken with a later change.
UPDATE write_backs SET state = :state, reason = :reason, next = :next, done = :done
WHERE tenant = :tenant AND alert = :alert AND number = :number AND member = :member AND part = :part AND (done = 0 OR state = 2);

-- name: write_backs_overtake
-- A source changed the member after the person did.
UPDATE write_backs SET state = 3, reason = :reason, done = :now
WHERE tenant = :tenant AND alert = :alert AND member = :member AND state <= 2;

-- name: write_backs_stop
UPDATE write_backs SET state = 2, reason = :reason, done = :now
WHERE tenant = :tenant AND source = :source AND done = 0;

-- name: write_backs_retry
-- Not where the same member was set again since. What may have been done stays so until the product was asked.
UPDATE write_backs SET state = CASE WHEN state = 2 THEN 0 ELSE state END, attempts = 0, begun = :now, next = 0,
  done = 0
WHERE tenant = :tenant AND source = :source AND done > 0 AND state <= 2
  AND (member = :comments OR NOT EXISTS (SELECT 1 FROM write_backs later
    WHERE later.tenant = write_backs.tenant AND later.alert = write_backs.alert AND later.member = write_backs.member
      AND later.number > write_backs.number));

-- name: write_backs_of
SELECT source, number, member, part, value, made, state, reason, attempts, next, done FROM write_backs
WHERE tenant = :tenant AND alert = :alert ORDER BY number, member, part;

-- name: write_backs_by
SELECT alert, number, member, part, value, made, state, reason, attempts, next, done FROM write_backs
WHERE tenant = :tenant AND source = :source AND (:finished = 1 OR state <= 2)
ORDER BY number DESC, member, part LIMIT :most;

-- name: write_backs_waiting
-- How many changes wait for each source, and why, the reason of the last attempt last.
SELECT source, reason, count(*) AS changes, max(next) AS at FROM write_backs
WHERE tenant = :tenant AND done = 0 GROUP BY source, reason ORDER BY source, 4, reason;

-- name: write_backs_failed
-- How many each product did not take, and why, the last refusal last; not where the same member was set again since.
SELECT source, reason, count(*) AS changes, max(done) AS at FROM write_backs
WHERE tenant = :tenant AND done > 0 AND state <= 2
  AND (member = :comments OR NOT EXISTS (SELECT 1 FROM write_backs later
    WHERE later.tenant = write_backs.tenant AND later.alert = write_backs.alert AND later.member = write_backs.member
      AND later.number > write_backs.number))
GROUP BY source, reason ORDER BY source, 4, reason;

-- name: write_backs_remove
DELETE FROM write_backs WHERE tenant = :tenant AND alert = :alert;

-- name: alert_sources
SELECT e.source, e.product, e.native, e.updated, e.received FROM "alerts_v2" a
JOIN entries e ON e.tenant = a.tenant AND e.born = a.born
WHERE a.tenant = :tenant AND a.id = :alert ORDER BY e.source;

-- name: finding_put
-- The latest word of a check on a subject stands.
INSERT INTO findings (tenant, key, control, scanner, scope, check_id, subject, at, share, points, details)
VALUES (:tenant, :key, :control, :scanner, :scope, :check_id, :subject, :at, :share, :points, :details)
ON CONFLICT (tenant, key) DO UPDATE SET control = excluded.control, at = excluded.at, share = excluded.share,
  points = excluded.points, details = excluded.details
WHERE excluded.at >= findings.at;

-- name: finding_over
DELETE FROM findings WHERE tenant = :tenant AND key = :key AND at <= :at;

-- name: findings_gone
-- A report of a whole scope has no word on these any more.
DELETE FROM findings WHERE tenant = :tenant AND scanner = :scanner AND scope = :scope AND at < :at;

-- name: standing
SELECT control, scanner, count(*) AS found, coalesce(sum(share), 0.0) AS passed,
  sum(CASE WHEN share < 1 THEN 1 ELSE 0 END) AS failing, avg(points) AS points, min(at) AS oldest, max(at) AS newest
FROM findings WHERE tenant = :tenant AND at > :since GROUP BY control, scanner ORDER BY control, scanner;

-- name: findings_of
-- The worst first, then the newest.
SELECT key, control, scanner, scope, check_id, subject, at, share, points, details FROM findings
WHERE tenant = :tenant AND control = :control ORDER BY coalesce(share, 1.0), at DESC, key LIMIT :most;

-- name: findings_page
SELECT key, control, scanner, scope, check_id, subject, at, share, points, details FROM findings
WHERE tenant = :tenant AND control = :control AND key > :after ORDER BY key LIMIT :most;

-- name: findings_old
SELECT key FROM findings WHERE tenant = :tenant AND at < :before ORDER BY at LIMIT :most;

-- name: finding_forget
DELETE FROM findings WHERE tenant = :tenant AND key = :key AND at < :before;

-- name: scores_old
SELECT id FROM "secureScores" WHERE tenant = :tenant AND "createdDateTime" < :before ORDER BY "createdDateTime" LIMIT :most;

-- name: upstream_scores_old
SELECT id FROM "upstreamSecureScores" WHERE tenant = :tenant AND "createdDateTime" < :before
ORDER BY "createdDateTime" LIMIT :most;

-- name: score_entries_between
-- The entries of some days, and of those between them.
SELECT series, name, since, until, entry FROM score_entries
WHERE tenant = :tenant AND kind = :kind AND until > :first AND since <= :last;

-- name: score_entries_at
-- Those that hold on a day, and those that held until it.
SELECT name, since, until, entry FROM score_entries
WHERE tenant = :tenant AND kind = :kind AND series = :series AND until >= :day AND since <= :day;

-- name: score_entry_put
INSERT INTO score_entries (tenant, kind, series, name, since, until, entry)
VALUES (:tenant, :kind, :series, :name, :since, :until, :entry)
ON CONFLICT (tenant, kind, series, name, since) DO UPDATE SET until = excluded.until, entry = excluded.entry;

-- name: score_entry_end
UPDATE score_entries SET until = :until
WHERE tenant = :tenant AND kind = :kind AND series = :series AND name = :name AND since = :since;

-- name: score_entry_remove
DELETE FROM score_entries
WHERE tenant = :tenant AND kind = :kind AND series = :series AND name = :name AND since = :since;

-- name: score_entries_over
-- Those that held on no day that is kept.
DELETE FROM score_entries WHERE tenant = :tenant AND kind = :kind AND until <= :day;

-- name: score_entries_erase
DELETE FROM score_entries WHERE tenant = :tenant;

-- name: findings_erase
DELETE FROM findings WHERE tenant = :tenant;

-- name: profiles
SELECT doc FROM "secureScoreControlProfiles" WHERE tenant = :tenant;

-- name: upstream_newest
SELECT doc FROM "upstreamSecureScores" WHERE tenant = :tenant ORDER BY "createdDateTime" DESC LIMIT 1;

-- name: score_newest
SELECT doc FROM "secureScores" WHERE tenant = :tenant ORDER BY "createdDateTime" DESC LIMIT 1;

-- name: fact
SELECT value FROM facts WHERE name = :name;

-- name: fact_put
INSERT INTO facts (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: fact_delete
DELETE FROM facts WHERE name = :name;

-- name: events_erase
DELETE FROM events WHERE tenant = :tenant;

-- name: removed_erase
DELETE FROM removed WHERE tenant = :tenant;

-- name: retention_erase
DELETE FROM retention WHERE tenant = :tenant;

-- name: subjects_erase
DELETE FROM subjects WHERE tenant = :tenant;

-- name: postings_erase
DELETE FROM postings WHERE tenant = :tenant;

-- name: entities_erase
DELETE FROM entities WHERE tenant = :tenant;

-- name: cases_erase
DELETE FROM cases WHERE tenant = :tenant;

-- name: apart_erase
DELETE FROM apart WHERE tenant = :tenant;

-- name: reasons_erase
DELETE FROM reasons WHERE tenant = :tenant;

-- name: snapshots_erase
DELETE FROM snapshots WHERE tenant = :tenant;

-- name: correlation_erase
DELETE FROM correlation WHERE tenant = :tenant;

-- name: entries_erase
DELETE FROM entries WHERE tenant = :tenant;

-- name: incident_keys_erase
DELETE FROM incident_keys WHERE tenant = :tenant;

-- name: rejected_erase
DELETE FROM rejected WHERE tenant = :tenant;

-- name: source_states_erase
DELETE FROM source_states WHERE tenant = :tenant;

-- name: sources_erase
DELETE FROM sources WHERE tenant = :tenant;

-- name: source_places_erase
DELETE FROM source_places WHERE tenant = :tenant;

-- name: source_health_erase
DELETE FROM source_health WHERE tenant = :tenant;

-- name: source_rates_erase
DELETE FROM source_rates WHERE tenant = :tenant;

-- name: write_backs_erase
DELETE FROM write_backs WHERE tenant = :tenant;

-- name: secrets_erase
DELETE FROM secrets WHERE tenant = :tenant;

-- name: certificates_erase
DELETE FROM certificates WHERE tenant = :tenant;

-- name: assertions_erase
DELETE FROM assertions WHERE tenant = :tenant;

-- name: applications_erase
DELETE FROM applications WHERE tenant = :tenant;

-- name: signing_keys
SELECT kind, name, starts, sealed FROM signing_keys;

-- name: signing_key_add
-- Several may make the first one at once; what was there first stays.
INSERT INTO signing_keys (kind, name, starts, sealed) VALUES (:kind, :name, :starts, :sealed)
ON CONFLICT (kind, name) DO NOTHING;

-- name: signing_key_seal
-- Only where it is still what was read.
UPDATE signing_keys SET sealed = :sealed WHERE kind = :kind AND name = :name AND sealed = :former;

-- name: signing_key_delete
DELETE FROM signing_keys WHERE kind = :kind AND name = :name;

-- name: signing_keys_delete
DELETE FROM signing_keys;

-- name: lease_claim
-- Whoever takes it over puts a new fence up; one that runs stays with its holder.
INSERT INTO leases (name, holder, fence, ends) VALUES (:name, :holder, 1, :ends)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, fence = leases.fence + 1, ends = excluded.ends
WHERE leases.ends <= :now;

-- name: lease_renew
UPDATE leases SET ends = :ends WHERE name = :name AND holder = :holder AND fence = :number;

-- name: lease
SELECT holder, fence, ends FROM leases WHERE name = :name;

-- name: lease_fence
-- Written, so that until the commit nobody can take the lease over.
UPDATE leases SET fence = fence WHERE name = :name AND fence = :number RETURNING fence;

-- name: assertions_ended
DELETE FROM assertions WHERE ends < :now;
