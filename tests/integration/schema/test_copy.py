"""A restored copy gets the migrations that it lacks, and nothing else."""

from __future__ import annotations

import functools
import json
import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from schema import copy, logins, master, migrations
from schema.errors import BadCopy, HistoryDiffers
from streamflix import settings
from streamflix.errors import DatabaseUnreachable
from tests.integration.schema.surroundings import EVENTS, SECRET, TWIN
from tests.response_bucket import context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.schema.conftest import Cluster
    from tests.integration.schema.surroundings import Cloud

    Call = Callable[..., dict[str, int]]

PACKAGE = migrations.load()
NEWEST = PACKAGE[-1].version
LAMBDA = ("function_name", "memory_limit_in_mb", "invoked_function_arn", "aws_request_id")


@pytest.fixture
def call(cloud: Cloud, empty: str) -> Iterator[Call]:
    """Invoke the function for a copy whose database is `empty`, and who knows no address book."""
    settings.cached.cache_clear()
    address, cloud.book, cloud.database = cloud.book["writer"], {}, empty

    def run(seconds: float = 30, **changes: Any) -> dict[str, int]:
        event = json.loads((EVENTS / "copy.json").read_text())
        of_lambda = context(seconds)
        vars(of_lambda).update(dict.fromkeys(LAMBDA, "f"))
        return copy.handler({**event, "address": address, **changes}, of_lambda)

    yield run
    settings.cached.cache_clear()


@pytest.fixture
def behind(cluster: Cluster, empty: str) -> None:
    """The copy is of a moment before the last migration."""
    connection = cluster.connect(empty)
    migrations.apply(connection, PACKAGE[:-1])
    connection.close()


def ledger(cluster: Cluster, database: str, columns: str = "version, sha256") -> list[Any]:
    with cluster.master(database) as cursor:
        cursor.execute(f"SELECT {columns} FROM ops.migration ORDER BY version")
        found: list[Any] = cursor.fetchall()
        return found


def test_a_copy_that_lacks_the_last_migration_gets_it(
    call: Call, behind: None, cluster: Cluster, empty: str
) -> None:
    assert call() == {"schemaVersion": NEWEST, "applied": 1}

    assert ledger(cluster, empty) == [(step.version, step.sha256) for step in PACKAGE]


def test_a_copy_that_is_up_to_date_is_left_alone(
    call: Call, behind: None, cluster: Cluster, empty: str
) -> None:
    call()
    before = ledger(cluster, empty, "version, applied_at, xmin::text")

    assert call() == {"schemaVersion": NEWEST, "applied": 0}

    assert ledger(cluster, empty, "version, applied_at, xmin::text") == before


def test_a_copy_that_is_ahead_is_accepted_and_says_so(
    call: Call, behind: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code was rolled back after the moment that the copy is of."""
    call()
    monkeypatch.setattr(migrations, "load", lambda: PACKAGE[:-1])

    assert call() == {"schemaVersion": NEWEST, "applied": 0}


def test_a_login_that_is_kept_out_stays_out_and_absent_ones_stay_absent(
    call: Call, behind: None, cluster: Cluster, empty: str
) -> None:
    connection = cluster.connect(empty)
    logins.ensure(connection, {"recovery": logins.SecretLogin(TWIN, "yesterdays")})
    connection.close()
    with cluster.master(empty) as cursor:
        cursor.execute(f"ALTER ROLE {TWIN} NOLOGIN")
        before = roles(cursor)

    call()

    with cluster.master(empty) as cursor:
        assert roles(cursor) == before
    assert before[TWIN][0] is False


def roles(cursor: Any) -> dict[str, tuple[Any, ...]]:
    """Who may log in, how often and as whom, and the memberships of each."""
    cursor.execute(
        "SELECT rolname, rolcanlogin, rolconnlimit, rolconfig, rolvaliduntil, ARRAY(SELECT"
        " roleid::regrole::text FROM pg_auth_members WHERE member = r.oid ORDER BY 1)"
        " FROM pg_roles AS r"
    )
    return {name: rest for name, *rest in cursor.fetchall()}


def test_an_edited_migration_is_refused_by_its_name(
    call: Call, behind: None, cluster: Cluster, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited = [replace(PACKAGE[0], sha256="0" * 64), *PACKAGE[1:]]
    monkeypatch.setattr(migrations, "load", lambda: edited)

    with pytest.raises(HistoryDiffers, match=f"{PACKAGE[0].name} was edited after it was applied"):
        call()

    assert len(ledger(cluster, empty)) == len(PACKAGE) - 1


def test_a_copy_that_has_yesterdays_password_for_a_moment_is_waited_for(
    call: Call, behind: None, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RDS gives master the password of the secret, and says that it is done a little early."""
    todays = cloud.secrets["arn:master"]["password"]
    cloud.secrets["arn:master"]["password"] = SECRET
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            cloud.secrets["arn:master"]["password"] = todays

    patiently = functools.partial(master.patiently, sleep=pause)
    monkeypatch.setattr(master, "patiently", patiently)

    assert call()["applied"] == 1
    assert pauses == [master.PAUSE_SECONDS] * 2


def test_a_copy_that_never_comes_up_is_given_up_before_the_time_is_up(call: Call) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        with pytest.raises(DatabaseUnreachable):
            call(seconds=2, address=f"127.0.0.1:{nobody.getsockname()[1]}")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"restore": ""}, "the event names no restore"),
        ({"restore": "a b"}, "the event names no restore"),
        ({"restore": None}, "the event names no restore"),
        ({"address": None}, "the event's address is not host:port"),
        ({"address": "host"}, "the event's address is not host:port"),
    ],
)
def test_an_event_that_names_no_copy_is_refused(
    call: Call, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(BadCopy, match=f"^{complaint}$"):
        call(**changes)
