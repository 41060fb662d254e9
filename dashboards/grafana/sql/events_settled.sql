SELECT $__timeGroupAlias(minute, $__interval, NULL), outcome AS metric, sum(events) * 1000.0 / $__interval_ms AS "value"
  FROM outcome_minutes
 WHERE $__timeFilter(minute)
 GROUP BY 1, 2
 ORDER BY 1, 2
