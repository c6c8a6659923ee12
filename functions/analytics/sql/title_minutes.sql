-- Minute by minute, because the primary key begins with the minute and goes on with the title; what
-- is not added up yet has no key, and is read once.
SELECT minute, sum(plays)::bigint, sum(watched_s)::bigint, sum(rebuffer_ms)::bigint,
       sum(errors)::bigint
  FROM (SELECT asked.minute, plays, watched_s, rebuffer_ms, errors
          FROM generate_series(%(at)s::timestamptz, %(end)s::timestamptz - interval '1 minute',
                               interval '1 minute') AS asked (minute)
          JOIN analytics.title_minute AS total
            ON total.minute = asked.minute AND total.title_id = %(title)s
         UNION ALL
        SELECT minute, plays, watched_s, rebuffer_ms, errors
          FROM analytics.title_deltas()
         WHERE title_id = %(title)s AND minute >= %(at)s AND minute < %(end)s) AS part
 GROUP BY minute
