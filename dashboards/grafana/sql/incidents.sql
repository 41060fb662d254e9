SELECT extract(epoch FROM started_at) * 1000 AS "time",
       extract(epoch FROM coalesce(resolved_at, now())) * 1000 AS "timeend",
       title AS "text",
       severity || ',' || service AS "tags"
  FROM incidents
 WHERE started_at <= $__timeTo() AND coalesce(resolved_at, now()) >= $__timeFrom()
 ORDER BY started_at
