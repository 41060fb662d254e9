SELECT slo AS "SLO", service AS "Service", severity AS "Severity", state AS "State", since AS "Since"
  FROM alerts
 WHERE current AND state IN ('firing', 'acknowledged') AND service IN (${service:sqlstring})
 ORDER BY severity, since
