SELECT reason AS "Reason", type AS "Type", account_id AS "Account", count(*) AS "Events", max(died_at) AS "Last"
  FROM dead_letters
 WHERE $__timeFilter(died_at)
 GROUP BY 1, 2, 3
 ORDER BY 4 DESC
 LIMIT 50
