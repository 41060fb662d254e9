WITH
-- include: slo_in_window
SELECT total - good AS "bad", total * (1 - target) AS "allowed" FROM stands
