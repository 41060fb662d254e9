SELECT at AS "time", status AS "Status", reason AS "Reason", method || ' ' || route AS "Request",
       duration_us / 1000000.0 AS "Took", account_id AS "Account", request_id AS "Request id"
  FROM failed_requests
 WHERE service IN (${service:sqlstring}) AND route IN (${route:sqlstring}) AND $__timeFilter(at)
 ORDER BY at DESC
 LIMIT 50
