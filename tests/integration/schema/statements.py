"""What each login may do, and what it may not, each as a statement that a server is asked."""

from __future__ import annotations

SCHEMAS = ("analytics", "app", "catalog", "ops", "privacy")

ACCOUNT = "00000000-0000-4000-8000-000000000001"
PROFILE = "00000000-0000-4000-8000-000000000002"
DEVICE = "00000000-0000-4000-8000-000000000003"
SESSION = "00000000-0000-4000-8000-000000000004"
INVOICE = "00000000-0000-4000-8000-000000000005"

ALLOWED = {
    "app": (
        f"SELECT account_id, email, state FROM app.account WHERE account_id = '{ACCOUNT}'",
        "INSERT INTO app.account (email, country) VALUES ('b@viewer.invalid', 'FR')",
        f"UPDATE app.account SET email = 'c@viewer.invalid' WHERE account_id = '{ACCOUNT}'",
        f"INSERT INTO app.profile (account_id, name) VALUES ('{ACCOUNT}', 'Kid')",
        f"UPDATE app.profile SET name = 'Kid', is_kids = true WHERE profile_id = '{PROFILE}'",
        f"INSERT INTO app.device (account_id, kind) VALUES ('{ACCOUNT}', 'tv')",
        f"UPDATE app.device SET last_seen_at = now() WHERE device_id = '{DEVICE}'",
        f"DELETE FROM app.device WHERE device_id = '{DEVICE}'",
        f"INSERT INTO app.rating (profile_id, title_id, stars) VALUES ('{PROFILE}', 'tt2', 4)",
        "UPDATE app.rating SET stars = 1",
        "DELETE FROM app.rating",
        f"SELECT title_id, position_s FROM app.watch_history WHERE profile_id = '{PROFILE}'",
        f"DELETE FROM app.watch_history WHERE profile_id = '{PROFILE}'",
        (
            "INSERT INTO app.invoice (account_id, issued_on, amount_cents, vat_cents)"
            f" VALUES ('{ACCOUNT}', '2026-01-31', 999, 159)"
        ),
        "UPDATE app.invoice SET state = 'paid'",
        (
            "INSERT INTO catalog.title (title_id, kind, name, genre, duration_s)"
            " VALUES ('tt9', 'film', 'Nine', 'drama', 5400)"
        ),
        "UPDATE catalog.title SET name = 'One' WHERE title_id = 'tt1'",
        "DELETE FROM catalog.title WHERE title_id = 'tt2'",
    ),
    "analytics": (
        "CREATE TEMPORARY TABLE batch (LIKE analytics.title_minute) ON COMMIT DROP",
        (
            "INSERT INTO analytics.title_minute VALUES (now(), 'tt1', 'DE', 'tv', 1, 2, 3, 4)"
            " ON CONFLICT (minute, title_id, country, device)"
            " DO UPDATE SET plays = title_minute.plays + excluded.plays"
        ),
        (
            "INSERT INTO analytics.title_delta_1"
            " (minute, title_id, country, device, plays, watched_s, rebuffer_ms, errors)"
            " VALUES (now(), 'tt1', 'DE', 'tv', 1, 2, 3, 4)"
        ),
        "SELECT * FROM analytics.title_deltas()",
        "SELECT * FROM analytics.title_counted()",
        "SELECT analytics.merge_deltas(1, 9)",
        "SELECT sequence, recent FROM analytics.shard_watermark FOR UPDATE",
        (
            "INSERT INTO analytics.shard_watermark (stream, shard, sequence) VALUES ('s', '0', 1)"
            " ON CONFLICT (stream, shard) DO UPDATE SET sequence = excluded.sequence,"
            " updated_at = now()"
        ),
        (
            "INSERT INTO analytics.attempt VALUES ('s', '0', 1, 1)"
            " ON CONFLICT (stream, shard, sequence) DO UPDATE SET begun = attempt.begun + 1"
            " RETURNING begun"
        ),
        "DELETE FROM analytics.attempt WHERE sequence <= 1",
        "SELECT analytics.fold_minutes(now() - interval '2 days', 1)",
        "SELECT analytics.expire_hours(now() - interval '30 days', 1)",
        "SELECT plays FROM analytics.title_hour",
        "SELECT title_id FROM catalog.title",
        "SELECT life.epoch, fence.epoch FROM ops.epoch AS life, privacy.fence AS fence",
        "SELECT mark FROM privacy.tombstone WHERE epoch > 0",
        "SELECT wrapped_key FROM privacy.fence",
        (
            "INSERT INTO app.watch_history (profile_id, session_id, title_id, stopped_at,"
            " position_s, watched_s, device)"
            f" SELECT profile_id, '{SESSION}', 'tt1', now(), 60, 60, 'tv' FROM app.profile"
            f" WHERE profile_id = '{PROFILE}' ORDER BY profile_id"
            " ON CONFLICT (profile_id, session_id) DO UPDATE SET title_id = excluded.title_id,"
            " position_s = excluded.position_s, watched_s = excluded.watched_s,"
            " device = excluded.device, stopped_at = excluded.stopped_at"
            " WHERE watch_history.stopped_at <= excluded.stopped_at"
        ),
    ),
    "privacy": (
        "UPDATE app.account SET state = 'fenced'",
        "SELECT FROM app.account FOR UPDATE",
        "SELECT FROM app.profile FOR UPDATE",
        "SELECT * FROM app.device",
        f"DELETE FROM app.watch_history WHERE profile_id = '{PROFILE}'",
        "DELETE FROM app.rating",
        "DELETE FROM app.invoice",
        "SELECT epoch FROM ops.epoch",
        "SELECT app.forget_statistics(ARRAY['account', 'profile'])",
        "SELECT max(version) FROM ops.migration",
        "UPDATE privacy.fence SET epoch = 1, wrapped_key = 'x'",
        (
            "INSERT INTO privacy.tombstone (mark, epoch) VALUES (decode(repeat('0', 32), 'hex'), 1)"
            " ON CONFLICT (mark) DO NOTHING RETURNING 1"
        ),
        "DELETE FROM privacy.tombstone WHERE made_at < now() - interval '1 year'",
        (
            "INSERT INTO privacy.erasure AS so_far (request_id, relation, action, affected)"
            " VALUES (gen_random_uuid(), 'app.account', 'deleted', 1)"
            " ON CONFLICT (request_id, relation, action) DO UPDATE"
            " SET affected = so_far.affected + excluded.affected"
        ),
        "DELETE FROM privacy.retained_invoice WHERE expires_at <= now()",
    ),
    "recovery": (
        (
            "UPDATE ops.heartbeat SET beat = beat + 1, beaten_at = clock_timestamp()"
            " FROM ops.epoch WHERE epoch.epoch = 1 RETURNING beat"
        ),
        "SELECT beaten_at FROM ops.heartbeat",
    ),
}

DENIED = {
    "app": (
        "UPDATE app.account SET state = 'active'",
        "INSERT INTO app.account (email, country, state) VALUES ('d@viewer.invalid', 'FR', 'x')",
        "UPDATE app.account SET account_id = gen_random_uuid()",
        "DELETE FROM app.account",
        "UPDATE app.profile SET account_id = gen_random_uuid()",
        (
            "INSERT INTO app.watch_history VALUES"
            f" ('{PROFILE}', '{SESSION}', 'tt1', now(), 1, 1, 'tv')"
        ),
        "UPDATE app.watch_history SET watched_s = 0",
        "UPDATE app.invoice SET amount_cents = 0",
        "DELETE FROM app.invoice",
        "SELECT * FROM analytics.title_minute",
        "SELECT * FROM analytics.title_counted()",
        "SELECT analytics.fold_minutes(now() - interval '2 days', 1)",
        "SELECT analytics.merge_deltas(0, 9)",
        "SELECT * FROM ops.epoch",
        "SELECT * FROM privacy.tombstone",
        "CREATE TEMPORARY TABLE mine (x int)",
        "SET ROLE analytics_rw",
    ),
    "analytics": (
        "DELETE FROM analytics.title_minute",
        "DELETE FROM analytics.title_delta_1",
        "TRUNCATE analytics.title_delta_1",
        "UPDATE analytics.title_delta_1 SET plays = 0",
        "DELETE FROM analytics.title_hour",
        "INSERT INTO analytics.title_hour VALUES (now(), 'tt1', 'DE', 'tv', 1, 2, 3, 4)",
        "DELETE FROM analytics.shard_watermark",
        "TRUNCATE analytics.attempt",
        "SELECT email FROM app.account",
        "SELECT account_id FROM app.account",
        "SELECT name FROM app.profile",
        "SELECT account_id FROM app.profile",
        "INSERT INTO app.profile (account_id, name) VALUES (gen_random_uuid(), 'x')",
        "DELETE FROM app.watch_history",
        "UPDATE app.watch_history SET profile_id = gen_random_uuid()",
        "SELECT * FROM app.invoice",
        "SELECT * FROM catalog.title",
        "UPDATE ops.epoch SET epoch = 2",
        "SELECT * FROM ops.migration",
        "SELECT app.forget_statistics(ARRAY['account'])",
        "INSERT INTO privacy.tombstone (mark, epoch) VALUES (decode(repeat('0', 32), 'hex'), 1)",
        "SELECT * FROM privacy.erasure",
        "SELECT * FROM privacy.retained_invoice",
        "SET ROLE app_rw",
    ),
    "privacy": (
        "UPDATE app.account SET email = 'd@viewer.invalid'",
        "UPDATE app.profile SET name = 'x'",
        "INSERT INTO app.profile (account_id, name) VALUES (gen_random_uuid(), 'x')",
        "UPDATE app.invoice SET amount_cents = 0",
        "UPDATE privacy.tombstone SET epoch = 1",
        "UPDATE privacy.retained_invoice SET expires_at = now()",
        "UPDATE ops.epoch SET epoch = 2",
        "SELECT * FROM catalog.title",
        "SELECT * FROM analytics.title_minute",
        "SET ROLE app_rw",
    ),
    "recovery": (
        "SELECT * FROM app.account",
        "SELECT * FROM ops.migration",
        "INSERT INTO ops.heartbeat (beat, beaten_at) VALUES (1, now())",
        "DELETE FROM ops.heartbeat",
        "UPDATE ops.epoch SET epoch = 2",
        "SET ROLE privacy_erase",
    ),
}

DENIED_TO_ALL = (
    *(f"CREATE TABLE {schema}.mine (x int)" for schema in ("public", *SCHEMAS)),
    *(f"SET ROLE {schema}_owner" for schema in SCHEMAS),
    "CREATE SCHEMA mine",
    "CREATE ROLE mine",
    "DROP TABLE analytics.title_minute",
    "ALTER TABLE analytics.title_minute ADD mine int",
    "CREATE INDEX ON analytics.title_minute (device)",
    "TRUNCATE analytics.title_minute",
    "DROP TABLE app.watch_history",
    "DROP SCHEMA analytics CASCADE",
    "INSERT INTO ops.migration VALUES (99, 'mine', repeat('0', 64))",
    "SET ROLE master",
    "SELECT rolpassword FROM pg_authid",
    "COPY (SELECT 1) TO PROGRAM 'true'",
)
