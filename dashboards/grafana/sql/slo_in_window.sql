promised AS (
-- include: promises
), span AS (
  -- The longest window of the chosen SLOs up to the end of the range; whole quarters of an hour come added up.
  SELECT since, until, first, greatest(first, least(date_bin('15 minutes', until, 'epoch'), reached)) AS last
    FROM (
      SELECT since, until, date_bin('15 minutes', since + interval '14 minutes 59.999 seconds', 'epoch') AS first,
             coalesce((SELECT quarters_until FROM rollup_progress WHERE name = 'requests'), '-infinity') AS reached
        FROM (
          SELECT $__timeTo()::timestamptz AS until, $__timeTo()::timestamptz - max(length) AS since
            FROM promised WHERE slo IN (${slo:sqlstring})
        ) AS asked
    ) AS around
), found AS (
-- include: counts
), stands AS (
  SELECT promised.slo, service, target, coalesce(sum(good), 0) AS good, coalesce(sum(total), 0) AS total
    FROM promised
    LEFT JOIN found ON found.slo = promised.slo AND at >= $__timeTo()::timestamptz - length
   WHERE promised.slo IN (${slo:sqlstring})
   GROUP BY promised.slo, service, target
)
