WITH ranked AS (
  SELECT $__timeGroup(minute, $__interval, NULL) AS point, delay_s,
         sum(sum(events)) OVER (PARTITION BY $__timeGroup(minute, $__interval, NULL) ORDER BY delay_s) AS so_far,
         sum(sum(events)) OVER (PARTITION BY $__timeGroup(minute, $__interval, NULL)) AS events
    FROM outcome_minutes
   WHERE $__timeFilter(minute) AND delay_s >= 0
   GROUP BY 1, 2
)
SELECT point AS "time",
       min(delay_s) FILTER (WHERE so_far >= ceil(0.50 * events)) AS "P50",
       min(delay_s) FILTER (WHERE so_far >= ceil(0.99 * events)) AS "P99"
  FROM ranked
 GROUP BY 1
 ORDER BY 1
