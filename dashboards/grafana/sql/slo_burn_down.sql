WITH
-- include: slo_in_window
, spent AS (
  SELECT date_bin('1 hour', at, 'epoch') AS hour, sum(total - good) AS bad
    FROM found JOIN promised USING (slo)
   WHERE at >= $__timeTo()::timestamptz - length
   GROUP BY 1
)
SELECT hour AS "time", 1 - sum(bad) OVER (ORDER BY hour) / nullif((SELECT total * (1 - target) FROM stands), 0) AS "left"
  FROM spent
 ORDER BY 1
