-- include: span
, counted AS (
  SELECT minute AS at, account_id, route, status, reason, requests
    FROM span
    JOIN account_request_minutes ON minute >= since AND minute < until AND (minute < first OR minute >= last)
   WHERE account_id IN (${account:sqlstring}) AND service IN (${service:sqlstring})
  UNION ALL
  SELECT bucket, account_id, route, status, reason, requests
    FROM span
    JOIN account_request_rollups ON width = 15 AND bucket >= first AND bucket < last
   WHERE account_id IN (${account:sqlstring}) AND service IN (${service:sqlstring})
  UNION ALL
  SELECT bucket, account_id, route, status, reason, requests
    FROM span
    JOIN account_request_rollups ON width = 1440 AND bucket >= since AND bucket < days
   WHERE account_id IN (${account:sqlstring}) AND service IN (${service:sqlstring})
)
