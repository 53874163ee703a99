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
