SELECT DISTINCT service FROM telemetry_services
UNION
SELECT 'slipstream'
 ORDER BY 1
