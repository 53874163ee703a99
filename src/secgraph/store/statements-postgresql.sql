-- What PostgreSQL is asked in other words than those of statements.sql.

-- name: correlations
SELECT s.born, s.alert, r.stamp, r.data FROM subjects s JOIN reasons r ON r.tenant = s.tenant AND r.born = s.born
WHERE s.tenant = :tenant AND s.incident = :incident AND (s.born, r.stamp) >= (:born, :stamp)
ORDER BY s.born, r.stamp LIMIT :most;
