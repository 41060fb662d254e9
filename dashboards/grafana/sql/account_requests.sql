SELECT $__timeGroupAlias(minute, $__interval, NULL), account_id AS metric, sum(requests) * 1000.0 / $__interval_ms AS "value"
  FROM account_request_minutes
 WHERE account_id IN (${account:sqlstring}) AND service IN (${service:sqlstring}) AND $__timeFilter(minute)
 GROUP BY 1, 2
 ORDER BY 1, 2
