WITH
-- include: counted_requests
SELECT $__timeGroupAlias(at, $__interval, NULL),
       coalesce(sum(requests) FILTER (WHERE status >= 500), 0) / sum(requests) AS "5xx"
  FROM counted
 GROUP BY 1
 ORDER BY 1
