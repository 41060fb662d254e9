WITH
-- include: slo_in_window
SELECT good / nullif(total, 0) AS "good" FROM stands
