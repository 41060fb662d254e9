SELECT extract(epoch FROM now() - evaluated_at) AS "ago" FROM alert_evaluations
