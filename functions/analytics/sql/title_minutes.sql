-- Minute by minute, because the primary key begins with the minute and goes on with the title.
SELECT asked.minute, sum(plays)::bigint, sum(watched_s)::bigint, sum(rebuffer_ms)::bigint,
       sum(errors)::bigint
  FROM generate_series(%(at)s::timestamptz, %(end)s::timestamptz - interval '1 minute',
                       interval '1 minute') AS asked (minute)
  JOIN analytics.title_minute AS total
    ON total.minute = asked.minute AND total.title_id = %(title)s
 GROUP BY asked.minute
