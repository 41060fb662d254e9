SELECT count(*) AS "waiting" FROM notifications WHERE finished_at IS NULL
