-- include: span
, counted AS (
  SELECT minute AS at, route, method, tier, status, reason, requests, buckets, counts
    FROM span
    JOIN request_minutes ON minute >= since AND minute < until AND (minute < first OR minute >= last)
   WHERE service IN (${service:sqlstring}) AND route IN (${route:sqlstring}) AND tier IN (${tier:sqlstring})
  UNION ALL
  SELECT bucket, route, method, tier, status, reason, requests, buckets, counts
    FROM span
    JOIN request_rollups ON width = 15 AND bucket >= first AND bucket < last
   WHERE service IN (${service:sqlstring}) AND route IN (${route:sqlstring}) AND tier IN (${tier:sqlstring})
  UNION ALL
  SELECT bucket, route, method, tier, status, reason, requests, buckets, counts
    FROM span
    JOIN request_rollups ON width = 1440 AND bucket >= since AND bucket < days
   WHERE service IN (${service:sqlstring}) AND route IN (${route:sqlstring}) AND tier IN (${tier:sqlstring})
)
