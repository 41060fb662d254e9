-- include: span
, found AS (
-- include: counts
)
