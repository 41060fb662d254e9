WITH
-- include: counted_account_requests
SELECT $__timeGroupAlias(at, $__interval, NULL), account_id AS metric, sum(requests) * 1000.0 / $__interval_ms AS "value"
  FROM counted
 GROUP BY 1, 2
 ORDER BY 1, 2
