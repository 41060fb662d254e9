promised AS (
-- include: promises
)
