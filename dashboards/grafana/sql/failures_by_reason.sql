WITH
-- include: counted_requests
SELECT status AS "Status", reason AS "Reason", route AS "Route", sum(requests) AS "Requests",
       sum(requests) / sum(sum(requests)) OVER () AS "Share"
  FROM counted
 WHERE status >= 500
 GROUP BY status, reason, route
 ORDER BY 4 DESC
 LIMIT 20
