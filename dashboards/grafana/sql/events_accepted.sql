SELECT $__timeGroupAlias(minute, $__interval, NULL), sum(events) * 1000.0 / $__interval_ms AS "accepted"
  FROM accepted_minutes
 WHERE $__timeFilter(minute)
 GROUP BY 1
 ORDER BY 1
