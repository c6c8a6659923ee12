"""What each login may do, and what it may not; and what every table owes to an erasure."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import psycopg2
import pytest

from schema.logins import LOGINS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg2 import extensions

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
        "SELECT * FROM ops.epoch",
        "SELECT * FROM privacy.tombstone",
        "CREATE TEMPORARY TABLE mine (x int)",
        "SET ROLE analytics_rw",
    ),
    "analytics": (
        "DELETE FROM analytics.title_minute",
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


@pytest.fixture(scope="module", autouse=True)
def _seeded(cluster, migrated: str) -> None:
    with cluster.master(migrated) as cursor:
        cursor.execute("SET ROLE catalog_owner")
        for title in ("tt1", "tt2"):
            cursor.execute(
                "INSERT INTO catalog.title (title_id, kind, name, genre, duration_s)"
                " VALUES (%s, 'film', 'A film', 'drama', 5400)",
                (title,),
            )
        cursor.execute("SET ROLE app_owner")
        cursor.execute(
            f"INSERT INTO app.account VALUES ('{ACCOUNT}', 'a@viewer.invalid', 'DE');"
            f"INSERT INTO app.profile VALUES ('{PROFILE}', '{ACCOUNT}', 'Me');"
            f"INSERT INTO app.device VALUES ('{DEVICE}', '{ACCOUNT}', 'tv');"
            f"INSERT INTO app.invoice VALUES ('{INVOICE}', '{ACCOUNT}', '2026-01-31', 999, 159)"
        )


@pytest.fixture(scope="module")
def sessions(cluster, migrated: str, twins) -> Iterator[dict[str, extensions.connection]]:
    """One session of each login. Every test rolls back what it did."""
    open_ = {
        login: cluster.connect(migrated, secret.username, secret.password)
        for login, secret in twins.items()
    }
    yield open_
    for session in open_.values():
        session.close()


@pytest.fixture
def run(sessions) -> Iterator[Callable[[str, str], int]]:
    used = []

    def execute(login: str, statement: str) -> int:
        used.append(sessions[login])
        with sessions[login].cursor() as cursor:
            cursor.execute(statement)
            return cursor.rowcount

    yield execute
    for session in used:
        session.rollback()


@pytest.mark.parametrize("login", LOGINS)
def test_a_login_becomes_its_work_role_when_it_connects(sessions, twins, login: str) -> None:
    with sessions[login] as session, session.cursor() as cursor:
        cursor.execute("SELECT session_user, current_user")
        assert cursor.fetchone() == (twins[login].username, LOGINS[login].work_role)


@pytest.mark.parametrize(
    ("login", "statement"), [(login, one) for login, many in ALLOWED.items() for one in many]
)
def test_a_login_can_do_its_work(run, login: str, statement: str) -> None:
    run(login, statement)


def test_the_upserts_of_analytics_find_the_row_that_is_there(run) -> None:
    upserts = [one for one in ALLOWED["analytics"] if "ON CONFLICT" in one]
    assert len(upserts) == 4

    for statement in upserts:
        assert [run("analytics", statement), run("analytics", statement)] == [1, 1]


@pytest.mark.parametrize(
    ("login", "statement"),
    [
        *((login, one) for login, many in DENIED.items() for one in many),
        *itertools.product(LOGINS, DENIED_TO_ALL),
    ],
)
def test_a_login_can_do_nothing_else(run, login: str, statement: str) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        run(login, statement)


def test_a_role_that_is_nobodys_does_not_even_get_in(cluster, migrated: str) -> None:
    name = f"{migrated}_stranger"
    with cluster.master(migrated) as cursor:
        cursor.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'stranger'")
        try:
            with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
                cluster.connect(migrated, name, "stranger")
        finally:
            cursor.execute(f"DROP ROLE {name}")


def test_master_reads_no_person_without_saying_so(cluster, migrated: str) -> None:
    with cluster.master(migrated) as cursor:
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("SELECT email FROM app.account")
        cursor.execute("SET ROLE app_owner")
        cursor.execute("SELECT email FROM app.account")
        assert cursor.rowcount == 1


def test_an_account_with_anything_on_it_cannot_disappear(cluster, migrated: str) -> None:
    with cluster.master(migrated) as cursor:
        cursor.execute("SET ROLE app_owner")
        with pytest.raises(psycopg2.errors.ForeignKeyViolation):
            cursor.execute("DELETE FROM app.account")


# --- The catalog: what holds for every table, also for those that come later ---


@pytest.fixture(scope="module")
def ask(cluster, migrated: str) -> Iterator[Callable[[str], list[tuple[str, ...]]]]:
    with cluster.master(migrated) as cursor:

        def execute(query: str) -> list[tuple[str, ...]]:
            cursor.execute(query)
            return cursor.fetchall()

        yield execute


PERSONAL = "obj_description(c.oid) ~ 'Personal\\.$'"


def test_every_table_says_what_it_is_for_and_belongs_to_its_schemas_owner(ask) -> None:
    tables = ask(
        """
        SELECT c.oid::regclass::text, obj_description(c.oid), n.nspname, c.relowner::regrole::text
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname IN
               ('analytics', 'app', 'catalog', 'ops', 'privacy')
        """
    )
    assert len(tables) >= 12
    assert [name for name, comment, _, _ in tables if not comment] == []
    assert [name for name, _, schema, owner in tables if owner != f"{schema}_owner"] == []


def test_every_personal_table_leads_to_the_account_by_keys_that_cannot_be_null(ask) -> None:
    unreachable = ask(
        f"""
        WITH RECURSIVE reachable AS (
            SELECT oid FROM pg_class
             WHERE relname = 'account' AND relnamespace = (
                   SELECT oid FROM pg_namespace WHERE nspname = 'app')
            UNION
            SELECT k.conrelid
              FROM pg_constraint k
              JOIN reachable r ON k.confrelid = r.oid AND k.contype = 'f' AND k.convalidated
             WHERE NOT EXISTS (
                   SELECT FROM pg_attribute a
                    WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
                          AND NOT a.attnotnull)
        )
        SELECT c.oid::regclass::text FROM pg_class c
         WHERE c.relkind IN ('r', 'p') AND {PERSONAL} AND c.oid NOT IN (SELECT oid FROM reachable)
        """
    )
    personal = ask(f"SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' AND {PERSONAL}")
    assert len(personal) == 6
    assert unreachable == []


def test_every_foreign_key_has_an_index_that_begins_with_its_columns(ask) -> None:
    slow = ask(
        """
        SELECT k.conname FROM pg_constraint k
         WHERE k.contype = 'f' AND NOT EXISTS (
               SELECT FROM pg_index i
                WHERE i.indrelid = k.conrelid
                  AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] = k.conkey)
        """
    )
    assert slow == []


def test_no_foreign_key_deletes_or_empties_a_row_by_itself(ask) -> None:
    assert ask("SELECT conname FROM pg_constraint WHERE contype = 'f' AND confdeltype <> 'a'") == []


def test_the_public_has_no_right_at_all(ask) -> None:
    assert (
        ask(
            """
            SELECT 'database ' || datname FROM pg_database, aclexplode(datacl) AS acl
             WHERE datname = current_database() AND acl.grantee = 0
            UNION ALL
            SELECT 'schema ' || nspname FROM pg_namespace, aclexplode(nspacl) AS acl
             WHERE nspname !~ '^(pg_|information_schema)' AND acl.grantee = 0
            UNION ALL
            SELECT 'table ' || c.oid::regclass FROM pg_class c, aclexplode(c.relacl) AS acl
             WHERE c.relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
               AND acl.grantee = 0
            UNION ALL
            SELECT 'function ' || p.oid::regprocedure FROM pg_proc p
             WHERE p.pronamespace::regnamespace::text !~ '^(pg_|information_schema)'
               AND has_function_privilege('public', p.oid, 'EXECUTE')
            """
        )
        == []
    )


def test_a_new_function_is_nobodys_until_it_is_granted(cluster, migrated: str) -> None:
    with cluster.master(migrated) as cursor:
        for schema in SCHEMAS:
            cursor.execute(f"BEGIN; SET LOCAL ROLE {schema}_owner")
            cursor.execute(f"CREATE FUNCTION {schema}.f() RETURNS int LANGUAGE sql RETURN 1")
            cursor.execute(f"SELECT has_function_privilege('public', '{schema}.f()', 'EXECUTE')")
            assert cursor.fetchone() == (False,), schema
            cursor.execute("ROLLBACK")


def test_every_role_was_made_by_master_and_lets_master_in(ask) -> None:
    roles = [f"{schema}_owner" for schema in SCHEMAS]
    roles += [rights.work_role for rights in LOGINS.values()]
    closed = [
        name
        for name in roles
        if ask(
            f"SELECT pg_has_role(session_user, '{name}', 'SET'),"
            f" pg_has_role(session_user, '{name}', 'USAGE WITH ADMIN OPTION')"
            f" OR pg_has_role(session_user, '{name}', 'MEMBER WITH ADMIN OPTION')"
        )
        != [(True, True)]
    ]
    assert closed == []


def test_no_owner_and_no_work_role_can_log_in(ask) -> None:
    assert (
        ask(
            "SELECT rolname FROM pg_roles WHERE rolcanlogin"
            " AND rolname ~ '_owner$|_rw$|^privacy_erase$|^recovery_ro$'"
        )
        == []
    )


@pytest.mark.parametrize(
    "row",
    [
        "(now(), 'tt1', 'de', 'tv', 1, 1, 1, 1)",
        "(now(), 'tt1', 'DE', 'tv', 1, -1, 1, 1)",
    ],
)
def test_a_rollup_that_cannot_be_right_is_refused(run, row: str) -> None:
    with pytest.raises(psycopg2.errors.CheckViolation):
        run("analytics", f"INSERT INTO analytics.title_minute VALUES {row}")


def test_a_country_of_three_letters_does_not_fit(run) -> None:
    with pytest.raises(psycopg2.errors.StringDataRightTruncation):
        run(
            "analytics",
            "INSERT INTO analytics.title_minute VALUES (now(), 'tt1', 'DEU', 'tv', 1, 1, 1, 1)",
        )


def test_the_epoch_is_one_row(ask) -> None:
    with pytest.raises(psycopg2.errors.UniqueViolation):
        ask("BEGIN; SET LOCAL ROLE ops_owner; INSERT INTO ops.epoch (epoch) VALUES (2)")
    ask("ROLLBACK; SELECT 1")
