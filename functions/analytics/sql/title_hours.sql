-- An hour may lie in all three tables: some of its minutes are folded already, or came late, or are
-- not added up yet.
SELECT hour, sum(plays)::bigint, sum(watched_s)::bigint, sum(rebuffer_ms)::bigint,
       sum(errors)::bigint
  FROM (SELECT asked.hour, plays, watched_s, rebuffer_ms, errors
          FROM generate_series(%(at)s::timestamptz, %(end)s::timestamptz - interval '1 hour',
                               interval '1 hour') AS asked (hour)
          JOIN analytics.title_hour AS total
            ON total.hour = asked.hour AND total.title_id = %(title)s
         UNION ALL
        SELECT date_trunc('hour', asked.minute, 'UTC'), plays, watched_s, rebuffer_ms, errors
          FROM generate_series(%(at)s::timestamptz, %(end)s::timestamptz - interval '1 minute',
                               interval '1 minute') AS asked (minute)
          JOIN analytics.title_minute AS total
            ON total.minute = asked.minute AND total.title_id = %(title)s
         UNION ALL
        SELECT date_trunc('hour', minute, 'UTC'), plays, watched_s, rebuffer_ms, errors
          FROM analytics.title_deltas()
         WHERE title_id = %(title)s AND minute >= %(at)s AND minute < %(end)s) AS part
 GROUP BY hour
