-- Counts are appended, and added up once a minute: no batch waits for rows that another one holds,
-- and a row of title_minute is written once, not by every batch of every shard.

SET LOCAL ROLE analytics_owner;

-- Each minute appends to the next of three tables; what was appended to the one before is added up
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
    'Counts of some minute that are not in title_minute yet; one cell may have many rows.';
COMMENT ON TABLE analytics.title_delta_1 IS 'As title_delta_0, a minute later.';
COMMENT ON TABLE analytics.title_delta_2 IS 'As title_delta_0, two minutes later.';

GRANT SELECT, INSERT ON analytics.title_delta_0, analytics.title_delta_1, analytics.title_delta_2
    TO analytics_rw;

-- PostgreSQL reads these two as it reads a view. They are none, because privacy's map knows tables
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

-- No login may delete a count: they are added up by this alone. It returns how many rows of
-- title_minute it wrote. Who appends to that table waits for it, who reads does not, but for the
-- moment in which it is emptied. Sorted by the primary key, as the code before this table did it.
CREATE FUNCTION analytics.merge_deltas(number int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET work_mem = '256MB' AS $$
DECLARE
    part pg_catalog.text := format('analytics.title_delta_%s', number);
    merged bigint;
BEGIN
    -- One at a time: who comes meanwhile has nothing to do, and waits for no row.
    IF NOT pg_try_advisory_xact_lock(hashtext('analytics.merge_deltas')) THEN
        RETURN 0;
    END IF;
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', part);
    EXECUTE format(
        'INSERT INTO analytics.title_minute AS total
                (minute, title_id, country, device, plays, watched_s, rebuffer_ms, errors)
         SELECT minute, title_id, country, device,
                sum(plays), sum(watched_s), sum(rebuffer_ms), sum(errors)
           FROM %s
          GROUP BY minute, title_id, country, device
          ORDER BY minute, title_id COLLATE "C", country COLLATE "C", device COLLATE "C"
             ON CONFLICT (minute, title_id, country, device) DO UPDATE
            SET plays       = total.plays       + excluded.plays,
                watched_s   = total.watched_s   + excluded.watched_s,
                rebuffer_ms = total.rebuffer_ms + excluded.rebuffer_ms,
                errors      = total.errors      + excluded.errors', part);
    GET DIAGNOSTICS merged = ROW_COUNT;
    IF merged > 0 THEN
        EXECUTE format('TRUNCATE %s', part);
    END IF;
    RETURN merged;
END
$$;
GRANT EXECUTE ON FUNCTION analytics.title_deltas(), analytics.title_counted(),
    analytics.merge_deltas(int) TO analytics_rw;
