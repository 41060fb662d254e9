SELECT account_id AS "Account", period AS "Period", max(threshold) / 100.0 AS "Reached", max(used) AS "Events", max(quota) AS "Quota", max(noticed_at) AS "Noticed"
  FROM notices
 WHERE account_id IN (${account:sqlstring}) AND $__timeFilter(noticed_at)
 GROUP BY 1, 2
 ORDER BY 6 DESC
 LIMIT 50
