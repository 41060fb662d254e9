SELECT $__timeGroupAlias(minute, $__interval, NULL),
       coalesce(sum(events) FILTER (WHERE delay_s BETWEEN 0 AND 60), 0) / sum(events) AS "in time"
  FROM outcome_minutes
 WHERE $__timeFilter(minute)
 GROUP BY 1
 ORDER BY 1
