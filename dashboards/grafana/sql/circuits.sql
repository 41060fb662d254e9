SELECT changed_at AS "time", account_id AS "Account", before AS "Before", after AS "After", cause AS "Cause"
  FROM circuit_changes
 WHERE account_id IN (${account:sqlstring}) AND $__timeFilter(changed_at)
 ORDER BY changed_at DESC
 LIMIT 50
