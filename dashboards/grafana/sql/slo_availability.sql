WITH
-- include: slo_in_range
, promised AS (
-- include: promises
)
SELECT $__timeGroupAlias(at, $__interval, NULL), sum(good) / nullif(sum(total), 0) AS "good",
       (SELECT target FROM promised WHERE slo IN (${slo:sqlstring})) AS "target"
  FROM found
 GROUP BY 1
 ORDER BY 1
