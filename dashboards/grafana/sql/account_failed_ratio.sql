WITH
-- include: counted_account_requests
SELECT $__timeGroupAlias(at, $__interval, NULL), account_id AS metric,
       coalesce(sum(requests) FILTER (WHERE status >= 500), 0) / sum(requests) AS "value"
  FROM counted
 GROUP BY 1, 2
 ORDER BY 1, 2
