"""The book's epoch: made once from the database, recovery's from then on, gone at the end."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest

from schema import logins, upgrade
from schema.errors import BadLogin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.schema.conftest import Cluster
    from tests.integration.schema.surroundings import Cloud

    Send = Callable[..., dict[str, Any]]


@pytest.fixture
def moved(cluster: Cluster, migrated: str) -> Iterator[None]:
    """The database has been cut over to once."""
    with cluster.master(migrated) as cursor:
        cursor.execute("SET ROLE ops_owner")
        cursor.execute("UPDATE ops.epoch SET epoch = 2")
        yield
        cursor.execute("UPDATE ops.epoch SET epoch = 1")


def test_the_schema_comes_up_with_no_epoch_there_and_puts_the_databases(
    cloud: Cloud, send: Send, empty: str
) -> None:
    cloud.database = empty

    answer = send("create")

    assert answer["Status"] == "SUCCESS", answer["Reason"]
    assert cloud.book["epoch"] == "1"
    assert cloud.tags == {
        "Project": "streamflix",
        "Environment": "test",
        "DataClass": "operational",
        "Retention": "stack",
    }


@pytest.mark.usefixtures("moved")
def test_an_epoch_that_got_lost_comes_back_as_the_database_has_it(cloud: Cloud, send: Send) -> None:
    send("update")

    assert cloud.book["epoch"] == "2"


@pytest.mark.parametrize("kind", ["create", "update"])
@pytest.mark.usefixtures("moved")
def test_a_deploy_after_a_cutover_leaves_its_epoch_alone(
    cloud: Cloud, send: Send, kind: str
) -> None:
    cloud.book["epoch"] = "2"

    assert send(kind)["Status"] == "SUCCESS"
    assert cloud.book["epoch"] == "2"


def test_a_database_of_another_epoch_changes_nothing_in_the_book(cloud: Cloud, send: Send) -> None:
    """It is a copy that is not released: the book means the other one."""
    cloud.book["epoch"] = "2"

    assert send("update")["Status"] == "SUCCESS"
    assert cloud.book["epoch"] == "2"


def test_there_is_no_epoch_before_the_logins_are_there(
    cloud: Cloud, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise BadLogin("no password")

    monkeypatch.setattr(logins, "ensure", fail)

    assert send("create")["Status"] == "FAILED"
    assert "epoch" not in cloud.book


def test_a_store_that_takes_no_epoch_fails_the_deploy_when_the_time_is_up(
    cloud: Cloud, send: Send
) -> None:
    cloud.refuses.add("PutParameter")

    answer = send("create", seconds=2)

    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith("BookUnchanged: epoch not put: AccessDeniedException. ")


def test_a_store_that_takes_no_epoch_at_once_is_asked_again(
    cloud: Cloud, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.refuses.add("PutParameter")
    again = functools.partial(upgrade.upgrade, sleep=lambda _: cloud.refuses.clear())
    monkeypatch.setattr("schema.upgrade.upgrade", again)

    assert send("create")["Status"] == "SUCCESS"
    assert cloud.book["epoch"] == "1"


def test_delete_takes_the_epoch_away_and_no_address(cloud: Cloud, send: Send) -> None:
    cloud.book["epoch"] = "2"

    assert send("delete")["Status"] == "SUCCESS"
    assert cloud.book.keys() == {"writer", "reader"}


def test_delete_succeeds_when_the_epoch_is_gone_already(
    cloud: Cloud, send: Send, caplog: pytest.LogCaptureFixture
) -> None:
    assert send("delete")["Status"] == "SUCCESS"
    assert "left behind" not in caplog.text


def test_delete_succeeds_when_the_store_refuses_and_says_so_in_the_log(
    cloud: Cloud, send: Send, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.book["epoch"] = "1"
    cloud.refuses.add("DeleteParameter")

    assert send("delete")["Status"] == "SUCCESS"
    assert "BookUnchanged: epoch not taken away: AccessDeniedException" in caplog.text


def test_a_second_schema_that_fails_does_not_take_the_epoch_of_the_one_in_use(
    cloud: Cloud, send: Send, bucket: Any
) -> None:
    """CloudFormation deletes what it could not create."""
    cloud.book["epoch"] = "1"
    failed = send("create", sha="f" * 64)["PhysicalResourceId"]
    bucket.answers.clear()
    bucket.content_types.clear()

    assert send("delete", named=failed)["Status"] == "SUCCESS"
    assert cloud.book["epoch"] == "1"
