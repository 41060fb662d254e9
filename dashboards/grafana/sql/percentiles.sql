WITH
-- include: counted_requests
-- include: placed_durations
, ranked AS (
  SELECT $__timeGroup(at, $__interval, NULL) AS point, seconds,
         sum(sum(times)) OVER (PARTITION BY $__timeGroup(at, $__interval, NULL) ORDER BY seconds) AS so_far,
         sum(sum(times)) OVER (PARTITION BY $__timeGroup(at, $__interval, NULL)) AS times
    FROM placed
   GROUP BY 1, 2
)
SELECT point AS "time",
       min(seconds) FILTER (WHERE so_far >= ceil(0.50 * times)) AS "P50",
       min(seconds) FILTER (WHERE so_far >= ceil(0.95 * times)) AS "P95",
       min(seconds) FILTER (WHERE so_far >= ceil(0.99 * times)) AS "P99"
  FROM ranked
 GROUP BY 1
 ORDER BY 1
