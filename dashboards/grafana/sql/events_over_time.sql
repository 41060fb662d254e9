SELECT $__timeGroupAlias(bucket, $__interval, NULL), account_id AS metric, sum(events) * 1000.0 / $__interval_ms AS "value"
  FROM event_rollups
 WHERE width = CASE WHEN $__interval_ms % 86400000 = 0 THEN 1440 WHEN $__interval_ms % 3600000 = 0 THEN 60 ELSE 1 END
   AND account_id IN (${account:sqlstring}) AND $__timeFilter(bucket)
 GROUP BY 1, 2
 ORDER BY 1, 2
