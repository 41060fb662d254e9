SELECT account_id AS "Account", type AS "Type", sum(events) AS "Events", min(first_at) AS "First", max(last_at) AS "Last"
  FROM event_rollups
 WHERE width = 1 AND account_id IN (${account:sqlstring}) AND $__timeFilter(bucket)
 GROUP BY 1, 2
 ORDER BY 3 DESC
 LIMIT 50
