-- Once per connection. Nothing here is checked: the tables that rows go to do that.
CREATE TEMPORARY TABLE staged_rollup (
    minute timestamptz, title_id text, country char(2), device text,
    plays bigint, watched_s bigint, rebuffer_ms bigint, errors bigint
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE staged_stop (
    number int, profile_id uuid, session_id uuid, title_id text,
    stopped_at timestamptz, position_s int, watched_s int, device text
) ON COMMIT DELETE ROWS
