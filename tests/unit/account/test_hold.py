"""The hold excludes, says who has it, expires, and is let go in every end."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from account import hold
from account.refusal import Refusal
from tests import tables
from tests.eventually import eventually

if TYPE_CHECKING:
    from account import guard

TABLE = "streamflix-hold-dev"


@pytest.fixture
def table(dev: guard.Account) -> Any:
    client = dev.client("dynamodb")
    tables.create(client, TABLE, "hold")
    return client


def item(table: Any) -> dict[str, Any] | None:
    found: dict[str, Any] | None = table.get_item(
        TableName=TABLE, Key={"hold": {"S": "environment"}}
    ).get("Item")
    return found


def test_the_item_says_who_why_and_until_when(table: Any) -> None:
    with hold.held(table, TABLE, "a deploy", show=print, now=lambda: 1000.9) as taken:
        assert taken
        found = item(table)

    assert found is not None
    assert set(found) == {"hold", "holder", "reason", "taken_at", "expires_at", "token"}
    assert (found["reason"], found["taken_at"]) == ({"S": "a deploy"}, {"N": "1000"})
    assert found["expires_at"] == {"N": str(1000 + hold.LEASE_SECONDS)}


def test_two_never_hold_at_once(table: Any) -> None:
    with (
        hold.held(table, TABLE, "a deploy", show=print),
        pytest.raises(Refusal, match=r"holds it for: a deploy; until \d{4}-\d\d-\d\d .* UTC"),
        hold.held(table, TABLE, "another", show=print),
    ):
        pytest.fail("both hold")


@pytest.mark.parametrize("end", [KeyboardInterrupt, Refusal, RuntimeError, SystemExit])
def test_it_is_let_go_however_the_work_ends(table: Any, end: type[BaseException]) -> None:
    with pytest.raises(end), hold.held(table, TABLE, "a deploy", show=print):
        raise end

    assert item(table) is None
    assert hold.current(table, TABLE) is None


def test_a_holder_that_died_lets_go_by_the_time_it_said(table: Any) -> None:
    with hold.held(table, TABLE, "killed", show=print, now=lambda: 1000):
        assert hold.current(table, TABLE, now=lambda: 1000 + hold.LEASE_SECONDS - 1) is not None
        assert hold.current(table, TABLE, now=lambda: 1000 + hold.LEASE_SECONDS) is None
        later = 1000 + hold.LEASE_SECONDS
        with hold.held(table, TABLE, "next", show=print, now=lambda: later) as taken:
            assert taken


def test_who_comes_too_late_does_not_let_go_for_the_next(table: Any) -> None:
    with hold.held(table, TABLE, "slow", show=print, now=lambda: 1000):
        table.put_item(
            TableName=TABLE,
            Item={
                "hold": {"S": "environment"},
                "holder": {"S": "next"},
                "reason": {"S": "r"},
                "expires_at": {"N": "9999999999"},
                "token": {"S": "theirs"},
            },
        )

    assert hold.current(table, TABLE) == hold.Holder("next", "r", 9999999999)


def test_it_is_renewed_while_the_work_goes_on(table: Any) -> None:
    moments = iter(range(1000, 100000))

    with hold.held(table, TABLE, "long", show=print, now=lambda: next(moments), renew_seconds=0.01):
        first = int((item(table) or {})["expires_at"]["N"])
        eventually(lambda: int((item(table) or {})["expires_at"]["N"]) > first + 2, within=5)


def test_a_hold_that_was_taken_over_is_told(table: Any) -> None:
    said: list[str] = []
    with hold.held(table, TABLE, "long", show=said.append, renew_seconds=0.01):
        table.delete_item(TableName=TABLE, Key={"hold": {"S": "environment"}})
        eventually(lambda: said, within=5)

    assert said == ["The hold is gone: its table was deleted, or somebody took it over."]


def test_no_table_yet_means_that_nobody_holds(dev: guard.Account) -> None:
    client = dev.client("dynamodb")

    assert hold.current(client, TABLE) is None
    with hold.held(client, TABLE, "first deploy", show=print) as taken:
        assert not taken


def test_a_table_that_goes_while_it_is_held_is_no_error(table: Any) -> None:
    with hold.held(table, TABLE, "destroy", show=print):
        table.delete_table(TableName=TABLE)


def test_nothing_of_it_runs_on(table: Any) -> None:
    before = threading.active_count()
    with hold.held(table, TABLE, "short", show=print):
        time.sleep(0)

    assert threading.active_count() == before
