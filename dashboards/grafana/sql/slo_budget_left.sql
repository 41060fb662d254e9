WITH
-- include: slo_in_window
SELECT 1 - (total - good) / nullif(total * (1 - target), 0) AS "left" FROM stands
