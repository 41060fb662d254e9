WITH
-- include: counted_account_requests
SELECT account_id AS "Account", status AS "Status", reason AS "Reason", route AS "Route", sum(requests) AS "Requests"
  FROM counted
 WHERE status IN (401, 403, 413, 422, 429, 503)
 GROUP BY 1, 2, 3, 4
 ORDER BY 5 DESC
 LIMIT 50
