WITH
-- include: slo_in_range
SELECT $__timeGroupAlias(at, $__interval, NULL), sum(total) * 1000.0 / $__interval_ms AS "events"
  FROM found
 GROUP BY 1
 ORDER BY 1
