promised AS (
-- include: promises
), asked AS (
  -- The longest window of the chosen SLOs up to the end of the range.
  SELECT $__timeTo()::timestamptz AS until, $__timeTo()::timestamptz - max(length) AS since, true AS added_up
    FROM promised WHERE slo IN (${slo:sqlstring})
),
-- include: parts
, found AS (
-- include: counts
), stands AS (
  SELECT promised.slo, service, target, coalesce(sum(good), 0) AS good, coalesce(sum(total), 0) AS total
    FROM promised
    LEFT JOIN found ON found.slo = promised.slo AND at >= $__timeTo()::timestamptz - length
   WHERE promised.slo IN (${slo:sqlstring})
   GROUP BY promised.slo, service, target
)
