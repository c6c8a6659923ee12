-- What answers are made of, and where old minutes go.

SET LOCAL ROLE analytics_owner;

-- The same counts by hour. A row of an old minute leaves title_minute in the transaction that adds
-- it here: each count is in one of the two tables, always.
CREATE TABLE analytics.title_hour (
    hour        timestamptz NOT NULL CHECK (hour = date_trunc('hour', hour, 'UTC')),
    title_id    text NOT NULL,
    country     char(2) NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    device      text NOT NULL,
    plays       bigint NOT NULL,
    watched_s   bigint NOT NULL,
    rebuffer_ms bigint NOT NULL,
    errors      bigint NOT NULL,
    PRIMARY KEY (hour, title_id, country, device),
    CHECK (least(plays, watched_s, rebuffer_ms, errors) >= 0)
);
COMMENT ON TABLE analytics.title_hour IS
    'Playback per UTC hour, title, country and device, of minutes that are no longer kept.';

-- Null in rows of the code before this column.
ALTER TABLE analytics.shard_watermark ADD COLUMN arrived_at timestamptz;
COMMENT ON COLUMN analytics.shard_watermark.arrived_at IS
    'When the newest record of the last batch came into the stream: what updated_at trails.';

GRANT SELECT ON analytics.title_hour TO analytics_rw;

-- Counts are moved and expired by these two alone, and only when they are old: no login may delete
-- one itself. Each call takes at most as many rows as it is told, and returns how many it took; 0 is the
-- end. A row that somebody just adds to is left for a later call.
CREATE FUNCTION analytics.fold_minutes(before timestamptz, most int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    moved bigint;
BEGIN
    IF before > now() - interval '2 days' THEN
        RAISE EXCEPTION 'events of these minutes may still arrive';
    END IF;
    WITH due AS MATERIALIZED (
        SELECT minute, title_id, country, device
          FROM analytics.title_minute
         WHERE minute < before
         ORDER BY minute, title_id, country, device
         LIMIT most
           FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM analytics.title_minute AS old
         USING due
         WHERE (old.minute, old.title_id, old.country, old.device)
             = (due.minute, due.title_id, due.country, due.device)
        RETURNING old.*
    ), folded AS (
        INSERT INTO analytics.title_hour AS total
               (hour, title_id, country, device, plays, watched_s, rebuffer_ms, errors)
        SELECT date_trunc('hour', minute, 'UTC') AS hour, title_id, country, device,
               sum(plays), sum(watched_s), sum(rebuffer_ms), sum(errors)
          FROM gone
         GROUP BY 1, title_id, country, device
         ORDER BY 1, title_id, country, device
            ON CONFLICT (hour, title_id, country, device) DO UPDATE
           SET plays       = total.plays       + excluded.plays,
               watched_s   = total.watched_s   + excluded.watched_s,
               rebuffer_ms = total.rebuffer_ms + excluded.rebuffer_ms,
               errors      = total.errors      + excluded.errors
    )
    SELECT count(*) INTO moved FROM gone;
    RETURN moved;
END
$$;

CREATE FUNCTION analytics.expire_hours(before timestamptz, most int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    expired bigint;
BEGIN
    IF before > now() - interval '30 days' THEN
        RAISE EXCEPTION 'these hours are too young to be deleted';
    END IF;
    WITH due AS MATERIALIZED (
        SELECT hour, title_id, country, device
          FROM analytics.title_hour
         WHERE hour < before
         ORDER BY hour, title_id, country, device
         LIMIT most
           FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM analytics.title_hour AS old
         USING due
         WHERE (old.hour, old.title_id, old.country, old.device)
             = (due.hour, due.title_id, due.country, due.device)
        RETURNING 1
    )
    SELECT count(*) INTO expired FROM gone;
    RETURN expired;
END
$$;

GRANT EXECUTE ON FUNCTION analytics.fold_minutes(timestamptz, int),
    analytics.expire_hours(timestamptz, int) TO analytics_rw;

-- Whether a title that nobody has watched is one.
SET LOCAL ROLE catalog_owner;
GRANT USAGE ON SCHEMA catalog TO analytics_rw;
GRANT SELECT (title_id) ON catalog.title TO analytics_rw;
