WITH
-- include: promised
, asked AS (
  -- A day before the range, which the first points look back on.
  SELECT $__timeFrom()::timestamptz - interval '1 day' AS since, $__timeTo()::timestamptz AS until, false AS added_up
),
-- include: parts
, found AS (
-- include: counts
), minutes AS (
  SELECT at, sum(total - good) AS bad, sum(total) AS total FROM found GROUP BY at
), looked_back AS (
  SELECT at, looked_back.name, looked_back.bad / nullif(looked_back.total, 0) AS ratio
    FROM (
      SELECT at,
             sum(bad) OVER five AS bad_5m, sum(total) OVER five AS total_5m,
             sum(bad) OVER hour AS bad_1h, sum(total) OVER hour AS total_1h,
             sum(bad) OVER six AS bad_6h, sum(total) OVER six AS total_6h,
             sum(bad) OVER day AS bad_1d, sum(total) OVER day AS total_1d
        FROM minutes
      WINDOW five AS (ORDER BY at RANGE BETWEEN interval '4 minutes' PRECEDING AND CURRENT ROW),
             hour AS (ORDER BY at RANGE BETWEEN interval '59 minutes' PRECEDING AND CURRENT ROW),
             six AS (ORDER BY at RANGE BETWEEN interval '359 minutes' PRECEDING AND CURRENT ROW),
             day AS (ORDER BY at RANGE BETWEEN interval '1439 minutes' PRECEDING AND CURRENT ROW)
    ) AS sums
   CROSS JOIN LATERAL (VALUES ('5m', bad_5m, total_5m), ('1h', bad_1h, total_1h), ('6h', bad_6h, total_6h), ('1d', bad_1d, total_1d))
         AS looked_back (name, bad, total)
   WHERE $__timeFilter(at)
)
SELECT $__timeGroupAlias(at, $__interval, NULL), name AS metric,
       max(ratio) / (SELECT 1 - target FROM promised WHERE slo IN (${slo:sqlstring})) AS "value"
  FROM looked_back
 GROUP BY 1, 2
 ORDER BY 1, 2
