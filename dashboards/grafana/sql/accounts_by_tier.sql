SELECT tier AS "metric", count(*) AS "value" FROM accounts GROUP BY 1 ORDER BY 1
