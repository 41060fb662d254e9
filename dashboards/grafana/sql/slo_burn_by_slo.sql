WITH
-- include: promised
,
-- include: slo_in_range
SELECT $__timeGroupAlias(at, $__interval, NULL), slo AS metric,
       sum(total - good) / nullif(sum(total) * (1 - max(target)), 0) AS "value"
  FROM found JOIN promised USING (slo)
 GROUP BY 1, 2
 ORDER BY 1, 2
