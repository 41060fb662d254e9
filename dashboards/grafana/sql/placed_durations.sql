, durations AS (
  -- A bucket's middle in seconds: edges are k * 10^n microseconds with 100 <= k <= 999 (app.domain.histogram).
  SELECT at, route, bucket, sum(times) AS times
    FROM counted CROSS JOIN LATERAL unnest(buckets, counts) AS h (bucket, times)
   GROUP BY at, route, bucket
), placed AS (
  SELECT at, route, times,
         CASE WHEN bucket < 1000 THEN bucket + 0.5
              ELSE (100 + (bucket - 100) % 900 + 0.5) * 10.0 ^ ((bucket - 100) / 900) END / 1000000 AS seconds
    FROM durations
)
