asked AS (
  SELECT $__timeFrom()::timestamptz AS since, $__timeTo()::timestamptz AS until, $__interval_ms % 900000 = 0 AS added_up
),
-- include: parts
