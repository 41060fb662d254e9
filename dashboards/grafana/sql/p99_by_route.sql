WITH
-- include: counted_requests
-- include: placed_durations
, ranked AS (
  SELECT $__timeGroup(at, $__interval, NULL) AS point, route, seconds,
         sum(sum(times)) OVER (PARTITION BY $__timeGroup(at, $__interval, NULL), route ORDER BY seconds) AS so_far,
         sum(sum(times)) OVER (PARTITION BY $__timeGroup(at, $__interval, NULL), route) AS times
    FROM placed
   GROUP BY 1, 2, 3
)
SELECT point AS "time", route AS metric, min(seconds) FILTER (WHERE so_far >= ceil(0.99 * times)) AS "value"
  FROM ranked
 GROUP BY 1, 2
 ORDER BY 1, 2
