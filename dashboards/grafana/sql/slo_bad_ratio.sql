WITH
-- include: slo_in_range
SELECT $__timeGroupAlias(at, $__interval, NULL), sum(total - good) / nullif(sum(total), 0) AS "bad"
  FROM found
 GROUP BY 1
 ORDER BY 1
