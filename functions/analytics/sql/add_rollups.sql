-- Sorted by the primary key: concurrent shards lock the rows of a minute in the same order.
INSERT INTO analytics.title_minute AS total
       (minute, title_id, country, device, plays, watched_s, rebuffer_ms, errors)
SELECT minute, title_id, country, device, plays, watched_s, rebuffer_ms, errors
  FROM staged_rollup
 ORDER BY minute, title_id COLLATE "C", country COLLATE "C", device COLLATE "C"
    ON CONFLICT (minute, title_id, country, device) DO UPDATE
   SET plays       = total.plays       + excluded.plays,
       watched_s   = total.watched_s   + excluded.watched_s,
       rebuffer_ms = total.rebuffer_ms + excluded.rebuffer_ms,
       errors      = total.errors      + excluded.errors
