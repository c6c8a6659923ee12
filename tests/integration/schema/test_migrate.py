"""The custom resource: whatever happens, CloudFormation is answered once, with a reason that says
what to do and holds no secret."""

from __future__ import annotations

import functools
import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from schema import master, migrations, upgrade
from tests.eventually import eventually
from tests.integration.schema.surroundings import DIGEST, SECRET, TWIN

if TYPE_CHECKING:
    from tests.integration.schema.conftest import Cluster


@pytest.mark.parametrize("kind", ["create", "update"])
def test_the_database_is_brought_up_and_cloudformation_told(
    cloud, send, cluster: Cluster, empty: str, kind: str
) -> None:
    cloud.database = empty

    answer = send(kind)

    assert answer["Status"] == "SUCCESS", answer["Reason"]
    version = str(len(migrations.load()))
    assert answer["Data"] == {"SchemaVersion": version, "MigrationsSha256": DIGEST}
    assert cluster.accepts(empty, TWIN, SECRET)


def test_the_same_request_delivered_twice_is_answered_twice_alike(cloud, send, bucket) -> None:
    first = send("create")
    bucket.answers.clear()
    bucket.content_types.clear()

    assert send("create") == first


def test_delete_leaves_the_database_alone(cloud, send, cluster: Cluster) -> None:
    assert send("delete")["Status"] == "SUCCESS"

    with cluster.master(cloud.database) as cursor:
        cursor.execute("SELECT count(*) FROM ops.migration")
        assert cursor.fetchone() == (len(migrations.load()),)


def test_delete_succeeds_with_database_secrets_and_settings_gone(send, monkeypatch) -> None:
    for name in ("ENVIRONMENT", "ADDRESS_BOOK", "MASTER_SECRET_ARN", "LOGIN_SECRET_ARNS"):
        monkeypatch.delenv(name, raising=False)

    assert send("delete", seconds=1)["Status"] == "SUCCESS"


def test_a_template_of_other_migrations_is_refused_before_anything_happens(
    cloud, send, cluster: Cluster, empty: str
) -> None:
    cloud.database = empty

    answer = send("update", sha="f" * 64)

    assert answer["Status"] == "FAILED"
    assert f"MigrationsSha256 is {'f' * 64}, the package has {DIGEST}" in answer["Reason"]
    assert "python -m account migrations-sha --write" in answer["Reason"]
    with cluster.master(empty) as cursor:
        cursor.execute("SELECT to_regnamespace('ops')")
        assert cursor.fetchone() == (None,)


def test_settings_that_are_missing_are_all_named(cloud, send, monkeypatch) -> None:
    monkeypatch.delenv("ADDRESS_BOOK")
    monkeypatch.setenv("LOGIN_SECRET_ARNS", "not json")

    reason = send("create")["Reason"]

    assert "ADDRESS_BOOK is missing" in reason
    assert "LOGIN_SECRET_ARNS is not JSON" in reason


def test_an_edited_migration_is_named_to_cloudformation(cloud, send, monkeypatch) -> None:
    package = migrations.load()
    edited = migrations.Migration(1, package[0].name, "0" * 64, "SELECT 1")
    monkeypatch.setattr(migrations, "load", lambda: [edited, *package[1:]])

    answer = send("update", sha=migrations.digest([edited, *package[1:]]))

    assert answer["Status"] == "FAILED"
    assert f"{package[0].name} was edited after it was applied" in answer["Reason"]


def test_a_database_that_starts_late_is_waited_for(cloud, send, monkeypatch) -> None:
    true_address = cloud.book["writer"]
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        cloud.book["writer"] = f"127.0.0.1:{nobody.getsockname()[1]}"
        pauses: list[float] = []

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                cloud.book["writer"] = true_address

        monkeypatch.setattr(
            "schema.upgrade.upgrade", functools.partial(upgrade.upgrade, sleep=pause)
        )
        answer = send("create")

    assert answer["Status"] == "SUCCESS", answer["Reason"]
    assert pauses == [master.PAUSE_SECONDS] * 3


def test_a_database_that_never_starts_is_given_up_before_the_time_is_up(cloud, send) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        cloud.book["writer"] = f"127.0.0.1:{nobody.getsockname()[1]}"
        started = time.monotonic()
        answer = send("create", seconds=4)

    assert time.monotonic() - started < 4 * 0.9
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith("DatabaseUnreachable: writer: ")


def test_a_server_that_never_answers_does_not_hold_the_answer_up(cloud, bucket, send) -> None:
    """The thread that waits is still waiting when CloudFormation has its answer."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        cloud.book["writer"] = f"127.0.0.1:{silent.getsockname()[1]}"
        result: list[dict[str, Any]] = []
        started = time.monotonic()
        waiting = threading.Thread(target=lambda: result.append(send("create", seconds=2)))
        waiting.start()

        eventually(lambda: bucket.answers, within=3)

        assert time.monotonic() - started < 2
        assert waiting.is_alive()
    waiting.join(30)
    assert result[0]["Status"] == "FAILED"
    assert "deploy again" in result[0]["Reason"]


def test_masters_password_is_refused_in_words_that_do_not_hold_it(cloud, send, cluster) -> None:
    cloud.secrets["arn:master"]["password"] = SECRET

    answer = send("create", seconds=4)

    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith("CredentialsRefused: ")
    assert SECRET not in json.dumps(answer)


def test_when_the_time_ends_first_the_answer_names_what_was_waited_for(
    cloud, send, monkeypatch
) -> None:
    """The last attempt hangs: nobody is left to say it but the alarm."""
    cloud.secrets["arn:master"]["password"] = SECRET
    monkeypatch.setattr(
        "schema.upgrade.upgrade", functools.partial(upgrade.upgrade, sleep=lambda _: time.sleep(2))
    )

    answer = send("create", seconds=1)

    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith("CredentialsRefused: ")


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ({"username": TWIN}, "SecretMalformed: login recovery: "),
        ({"username": "master", "password": SECRET}, "BadLogin: the secret of login recovery "),
    ],
)
def test_a_secret_that_makes_no_login_is_told_by_the_logins_name(
    cloud, send, value: dict[str, str], complaint: str
) -> None:
    cloud.secrets["arn:recovery"] = value

    answer = send("create")

    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith(complaint)
    assert SECRET not in json.dumps(answer)
