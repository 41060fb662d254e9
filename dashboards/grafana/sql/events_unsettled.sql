WITH each AS (
  SELECT minute, events AS accepted, 0 AS settled FROM accepted_minutes WHERE $__timeFilter(minute)
  UNION ALL
  SELECT minute, 0, events FROM outcome_minutes WHERE $__timeFilter(minute)
)
SELECT $__timeGroupAlias(minute, $__interval, NULL), greatest(0, sum(accepted) - sum(settled)) AS "not settled"
  FROM each
 GROUP BY 1
 ORDER BY 1
