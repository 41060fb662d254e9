SELECT started_at AS "Began", title AS "Incident", service AS "Service", severity AS "Severity",
       acknowledged_by AS "Who is on it", resolved_at AS "Ended"
  FROM incidents
 WHERE service IN (${service:sqlstring}) AND started_at <= $__timeTo() AND coalesce(resolved_at, now()) >= $__timeFrom()
 ORDER BY resolved_at IS NOT NULL, started_at DESC
 LIMIT 50
