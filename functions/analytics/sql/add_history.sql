SET LOCAL lock_timeout TO DEFAULT;
-- Returns the stops of profiles that do not exist; the same snapshot decides about both parts.
WITH stop AS MATERIALIZED (
    SELECT staged.*, profile.profile_id IS NOT NULL AS known
      FROM staged_stop AS staged
      LEFT JOIN app.profile AS profile ON profile.profile_id = staged.profile_id
), written AS (
    INSERT INTO app.watch_history AS history
           (profile_id, session_id, title_id, stopped_at, position_s, watched_s, device)
    SELECT DISTINCT ON (profile_id, session_id)
           profile_id, session_id, title_id, stopped_at, position_s, watched_s, device
      FROM stop
     WHERE known
     ORDER BY profile_id, session_id, stopped_at DESC, number DESC
        ON CONFLICT (profile_id, session_id) DO UPDATE
       SET title_id = excluded.title_id, stopped_at = excluded.stopped_at,
           position_s = excluded.position_s, watched_s = excluded.watched_s,
           device = excluded.device
     WHERE history.stopped_at <= excluded.stopped_at
)
SELECT number FROM stop WHERE NOT known ORDER BY number
