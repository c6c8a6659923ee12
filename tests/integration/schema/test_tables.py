"""What holds for every table and every role, also for those that come later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg2
import pytest

from schema.logins import LOGINS
from tests.integration.schema.statements import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PERSONAL = "obj_description(c.oid) ~ 'Personal\\.$'"


@pytest.fixture(scope="module")
def ask(cluster, migrated: str) -> Iterator[Callable[[str], list[tuple[str, ...]]]]:
    with cluster.master(migrated) as cursor:

        def execute(query: str) -> list[tuple[str, ...]]:
            cursor.execute(query)
            return cursor.fetchall()

        yield execute


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


def test_the_epoch_is_one_row(ask) -> None:
    with pytest.raises(psycopg2.errors.UniqueViolation):
        ask("BEGIN; SET LOCAL ROLE ops_owner; INSERT INTO ops.epoch (epoch) VALUES (2)")
    ask("ROLLBACK; SELECT 1")


def test_what_runs_as_its_owner_looks_into_temporary_objects_last(ask) -> None:
    functions = ask(
        """
        SELECT p.oid::regprocedure::text, array_to_string(p.proconfig, ';')
          FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema')
        """
    )
    assert len(functions) >= 6
    last = "search_path=pg_catalog, pg_temp"
    assert [name for name, config in functions if last not in (config or "")] == []
