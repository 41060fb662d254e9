-- Whole days of the range come added up, its edges minute by minute.
WITH span AS (
  SELECT since, until, first, greatest(first, date_bin('1 day', until, 'epoch')) AS last
    FROM (
      SELECT $__timeFrom()::timestamptz AS since, $__timeTo()::timestamptz AS until,
             date_bin('1 day', $__timeFrom()::timestamptz + interval '23 hours 59 minutes 59.999 seconds', 'epoch') AS first
    ) AS asked
), counted AS (
  SELECT account_id, type, events, first_at, last_at
    FROM span
    JOIN event_rollups ON width = 1 AND bucket >= since AND bucket < until AND (bucket < first OR bucket >= last)
   WHERE account_id IN (${account:sqlstring})
  UNION ALL
  SELECT account_id, type, events, first_at, last_at
    FROM span
    JOIN event_rollups ON width = 1440 AND bucket >= first AND bucket < last
   WHERE account_id IN (${account:sqlstring})
)
SELECT account_id AS "Account", type AS "Type", sum(events) AS "Events", min(first_at) AS "First", max(last_at) AS "Last"
  FROM counted
 GROUP BY 1, 2
 ORDER BY 3 DESC
 LIMIT 50
