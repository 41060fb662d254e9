span AS (
  -- Whole quarters of an hour come added up where the graph is no finer, the rest minute by minute.
  SELECT since, until, first,
         CASE WHEN $__interval_ms % 900000 = 0
              THEN greatest(first, least(date_bin('15 minutes', until, 'epoch'), reached)) ELSE first END AS last
    FROM (
      SELECT $__timeFrom()::timestamptz AS since, $__timeTo()::timestamptz AS until,
             date_bin('15 minutes', $__timeFrom()::timestamptz + interval '14 minutes 59.999 seconds', 'epoch') AS first,
             coalesce((SELECT quarters_until FROM rollup_progress WHERE name = 'requests'), '-infinity') AS reached
    ) AS asked
)
