WITH
-- include: promised
SELECT target FROM promised WHERE slo IN (${slo:sqlstring})
