-- Live analytics: rollups, how far each shard was counted, and what the consumer may touch.

SET LOCAL ROLE analytics_owner;

CREATE TABLE analytics.title_minute (
    minute      timestamptz NOT NULL,
    title_id    text NOT NULL,
    country     char(2) NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    device      text NOT NULL,
    plays       bigint NOT NULL,
    watched_s   bigint NOT NULL,
    rebuffer_ms bigint NOT NULL,
    errors      bigint NOT NULL,
    PRIMARY KEY (minute, title_id, country, device),
    CHECK (least(plays, watched_s, rebuffer_ms, errors) >= 0)
)
-- The current minutes are updated by every batch of every shard and no index holds the counts:
-- room for updates within the page. Old minutes never change, so a fixed share of a growing table
-- is the wrong moment to vacuum.
WITH (
    fillfactor = 80,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 50000,
    autovacuum_analyze_scale_factor = 0.02
);
COMMENT ON TABLE analytics.title_minute IS
    'Playback per UTC minute, title, country and device. Counts without persons.';

CREATE TABLE analytics.shard_watermark (
    stream     text NOT NULL,
    shard      text NOT NULL,
    sequence   numeric NOT NULL CHECK (sequence >= 0),
    -- Random bytes: compressing them would only cost.
    recent     bytea STORAGE EXTERNAL NOT NULL DEFAULT ''
               CHECK (octet_length(recent) <= 8 * 4096 AND octet_length(recent) % 8 = 0),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, shard)
)
-- A few hundred rows, each rewritten by every batch with up to 32 KiB beside it.
WITH (
    fillfactor = 20,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 500,
    toast.autovacuum_vacuum_scale_factor = 0,
    toast.autovacuum_vacuum_threshold = 5000
);
COMMENT ON TABLE analytics.shard_watermark IS
    'The last sequence number counted of each shard, moved by the transaction that counted.';
COMMENT ON COLUMN analytics.shard_watermark.recent IS
    '8-byte hashes of the last 4,096 event ids, so that a producer''s duplicate counts once.';

CREATE TABLE analytics.attempt (
    stream   text NOT NULL,
    shard    text NOT NULL,
    sequence numeric NOT NULL CHECK (sequence >= 0),
    begun    int NOT NULL CHECK (begun > 0),
    PRIMARY KEY (stream, shard, sequence)
);
COMMENT ON TABLE analytics.attempt IS
    'How often a batch of one record was begun; a record that kills the consumer shows here.';

GRANT USAGE ON SCHEMA analytics TO analytics_rw;
GRANT SELECT, INSERT, UPDATE ON analytics.title_minute, analytics.shard_watermark TO analytics_rw;
GRANT SELECT, INSERT, UPDATE, DELETE ON analytics.attempt TO analytics_rw;

-- The consumer records where a profile stopped, when the profile exists. Its upsert reads what it
-- was given (`excluded`), and PostgreSQL asks for SELECT on those columns of the table.
SET LOCAL ROLE app_owner;
GRANT USAGE ON SCHEMA app TO analytics_rw;
GRANT SELECT (profile_id) ON app.profile TO analytics_rw;
GRANT SELECT, INSERT, UPDATE (title_id, stopped_at, position_s, watched_s, device)
    ON app.watch_history TO analytics_rw;
