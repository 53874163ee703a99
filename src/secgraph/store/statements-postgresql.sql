-- What PostgreSQL is asked in other words than those of statements.sql.

-- name: alert_words_erase
DELETE FROM "alerts_v2_words" WHERE tenant = :tenant;

-- name: incident_words_erase
DELETE FROM "incidents_words" WHERE tenant = :tenant;

-- name: asset_words_erase
DELETE FROM "assets_words" WHERE tenant = :tenant;

-- name: alert_words_optimize
-- Nothing: VACUUM takes out of an index what was erased, by itself.

-- name: incident_words_optimize

-- name: asset_words_optimize

-- name: correlations
SELECT s.born, s.alert, r.stamp, r.data FROM subjects s JOIN reasons r ON r.tenant = s.tenant AND r.born = s.born
WHERE s.tenant = :tenant AND s.incident = :incident AND (s.born, r.stamp) >= (:born, :stamp)
ORDER BY s.born, r.stamp LIMIT :most;
