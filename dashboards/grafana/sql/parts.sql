span AS (
  -- Quarters of an hour from `first` to `last`: whole ones where the graph is no finer, and all whose minutes are not kept any
  -- more. Before `days` only days are kept. The rest is read minute by minute.
  SELECT since, until, least(until, quarters_from) AS days, first,
         greatest(first, least(until, minutes_from),
                  CASE WHEN added_up THEN least(date_bin('15 minutes', until, 'epoch'), reached) END) AS last
    FROM (
      SELECT since, until, added_up, minutes_from, quarters_from, reached,
             greatest(date_bin('15 minutes', since + interval '14 minutes 59.999 seconds', 'epoch'), quarters_from) AS first
        FROM asked
       CROSS JOIN (
         SELECT coalesce(max(minutes_from), '-infinity') AS minutes_from, coalesce(max(quarters_from), '-infinity') AS quarters_from
           FROM kept_detail
       ) AS kept
       CROSS JOIN (
         SELECT coalesce(max(quarters_until), '-infinity') AS reached FROM rollup_progress WHERE name = 'requests'
       ) AS progress
       WHERE since IS NOT NULL
    ) AS around
)
