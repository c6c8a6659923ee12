-- Once per connection. Nothing here is checked: the tables that rows go to do that.
CREATE TEMPORARY TABLE staged_stop (
    number int, profile_id uuid, session_id uuid, title_id text,
    stopped_at timestamptz, position_s int, watched_s int, device text
) ON COMMIT DELETE ROWS
