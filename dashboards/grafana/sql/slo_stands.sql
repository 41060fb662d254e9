WITH
-- include: slo_in_window
SELECT slo, service, target, good / nullif(total, 0) AS "Good, of all",
       1 - (total - good) / nullif(total * (1 - target), 0) AS "Budget left",
       total - good AS "Bad", total AS "Total"
  FROM stands
 ORDER BY 5 NULLS LAST, slo
