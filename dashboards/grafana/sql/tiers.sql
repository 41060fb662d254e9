SELECT DISTINCT tier FROM request_minutes
 WHERE service IN (${service:sqlstring}) AND minute >= $__timeFrom()::timestamptz - interval '1 day'
UNION
SELECT DISTINCT tier FROM request_rollups
 WHERE service IN (${service:sqlstring}) AND width = 1440 AND bucket >= $__timeFrom()::timestamptz - interval '1 day'
 ORDER BY 1
