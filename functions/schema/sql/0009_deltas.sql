-- Counts are appended, and added up soon after: no batch waits for rows that another one holds,
-- and a row of title_minute is written once, not by every batch of every shard.

SET LOCAL ROLE analytics_owner;

-- Each turn appends to the next of three tables; what was appended to the others is added up
-- meanwhile. The checks are title_minute's: what these take, that one takes as well. They are emptied
-- before a vacuum would be worth it.
CREATE TABLE analytics.title_delta_0 (
    LIKE analytics.title_minute INCLUDING CONSTRAINTS
) WITH (autovacuum_enabled = false);
CREATE TABLE analytics.title_delta_1 (
    LIKE analytics.title_minute INCLUDING CONSTRAINTS
) WITH (autovacuum_enabled = false);
CREATE TABLE analytics.title_delta_2 (
    LIKE analytics.title_minute INCLUDING CONSTRAINTS
) WITH (autovacuum_enabled = false);
COMMENT ON TABLE analytics.title_delta_0 IS
    'Counts of one turn that are not in title_minute yet; one cell may have many rows.';
COMMENT ON TABLE analytics.title_delta_1 IS 'As title_delta_0, a turn later.';
COMMENT ON TABLE analytics.title_delta_2 IS 'As title_delta_0, two turns later.';

GRANT SELECT, INSERT ON analytics.title_delta_0, analytics.title_delta_1, analytics.title_delta_2
    TO analytics_rw;

-- PostgreSQL reads these two as it reads a view, and must: it locks tables before it takes the snapshot
-- that it reads them with. Made STRICT, volatile or with settings of their own they would miss counts. They are none, because privacy's map knows tables
-- alone: what can hold a row is in it, and nothing else is there to be explained.
CREATE FUNCTION analytics.title_deltas() RETURNS SETOF analytics.title_minute
LANGUAGE sql STABLE AS $$
    SELECT * FROM analytics.title_delta_0
     UNION ALL
    SELECT * FROM analytics.title_delta_1
     UNION ALL
    SELECT * FROM analytics.title_delta_2
$$;
COMMENT ON FUNCTION analytics.title_deltas IS 'What was counted and is not in title_minute yet.';

CREATE FUNCTION analytics.title_counted() RETURNS SETOF analytics.title_minute
LANGUAGE sql STABLE AS $$
    SELECT minute, title_id, country, device, sum(plays)::bigint AS plays,
           sum(watched_s)::bigint AS watched_s, sum(rebuffer_ms)::bigint AS rebuffer_ms,
           sum(errors)::bigint AS errors
      FROM (SELECT * FROM analytics.title_minute
             UNION ALL
            SELECT * FROM analytics.title_deltas()) AS part
     GROUP BY minute, title_id, country, device
$$;
COMMENT ON FUNCTION analytics.title_counted IS
    'title_minute up to the last event that was counted: ask this, of some minutes or a title.';

-- No login may delete a count: they are added up by this alone, one call at a time. It returns how many
-- rows of title_minute it wrote, 0 when there was nothing, or another call is at work. Who appends to
-- that table waits for it, who reads does not, but for the moment in which it is emptied. A table of
-- more than `most` rows is taken in steps, each a call, so that no backlog is too long for a call.
-- Sorted by the primary key, as the code before these tables did it.
CREATE FUNCTION analytics.merge_deltas(number int, most int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET work_mem = '64MB' AS $$
DECLARE
    row_bytes CONSTANT bigint := 100;
    part pg_catalog.text := format('analytics.title_delta_%s', number);
    is_emptied boolean;
    merged bigint;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('analytics.merge_deltas')) THEN
        RETURN 0;
    END IF;
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', part);
    is_emptied := pg_relation_size(part::regclass) <= most * row_bytes;
    EXECUTE format(
        'WITH taken AS (' || CASE WHEN is_emptied THEN 'SELECT * FROM %1$s' ELSE
            'DELETE FROM %1$s AS old USING (SELECT ctid AS place FROM %1$s LIMIT %2$s) AS step
              WHERE old.ctid = step.place RETURNING old.*' END || ')
         INSERT INTO analytics.title_minute AS total
                (minute, title_id, country, device, plays, watched_s, rebuffer_ms, errors)
         SELECT minute, title_id, country, device,
                sum(plays), sum(watched_s), sum(rebuffer_ms), sum(errors)
           FROM taken
          GROUP BY minute, title_id, country, device
          ORDER BY minute, title_id COLLATE "C", country COLLATE "C", device COLLATE "C"
             ON CONFLICT (minute, title_id, country, device) DO UPDATE
            SET plays       = total.plays       + excluded.plays,
                watched_s   = total.watched_s   + excluded.watched_s,
                rebuffer_ms = total.rebuffer_ms + excluded.rebuffer_ms,
                errors      = total.errors      + excluded.errors', part, most);
    GET DIAGNOSTICS merged = ROW_COUNT;
    IF NOT is_emptied THEN
        EXECUTE format('SELECT NOT EXISTS (SELECT FROM %s)', part) INTO is_emptied;
    END IF;
    IF is_emptied AND pg_relation_size(part::regclass) > 0 THEN
        EXECUTE format('TRUNCATE %s', part);
    END IF;
    RETURN merged;
END
$$;
GRANT EXECUTE ON FUNCTION analytics.title_deltas(), analytics.title_counted(),
    analytics.merge_deltas(int, int) TO analytics_rw;

-- PostgreSQL looks for types in pg_temp first, where its path does not say otherwise: a login that may
-- create temporary objects could have slipped a type of its own into what runs as the owner.
ALTER FUNCTION analytics.fold_minutes(timestamptz, int) SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION analytics.expire_hours(timestamptz, int) SET search_path = pg_catalog, pg_temp;
SET LOCAL ROLE app_owner;
ALTER FUNCTION app.refuse_for_fenced_account() SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION app.refuse_for_fenced_profile() SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION app.forget_statistics(text[]) SET search_path = pg_catalog, pg_temp;
