"""Functions and the owner's commands exclude each other by the same item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from account import hold as owners
from account.refusal import Refusal
from streamflix import hold
from streamflix.errors import EnvironmentHeld
from streamflix.hold import held
from tests import tables
from tests.clocks import Time

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE = "streamflix-hold-test"


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        client: Any = boto3.client("dynamodb", region_name="eu-central-1")
        tables.create(client, TABLE, "hold")
        yield client


def take(dynamodb: Any, clock: Time, table: str = TABLE) -> Any:
    return held(
        table,
        "rotation",
        "setSecret of analytics",
        lease_seconds=60,
        wait_seconds=5,
        client=dynamodb,
        now=clock,
        sleep=clock.sleep,
    )


def test_what_a_function_holds_the_owner_does_not_get(dynamodb: Any) -> None:
    clock = Time(1_000.0)
    with (
        take(dynamodb, clock),
        pytest.raises(Refusal, match="rotation holds it for: setSecret of analytics"),
        owners.held(dynamodb, TABLE, "deploy", show=lambda _: None, now=clock),
    ):
        pass
    assert owners.current(dynamodb, TABLE, clock) is None


def test_what_the_owner_holds_a_function_waits_for_and_names(dynamodb: Any) -> None:
    clock = Time(1_000.0)
    with owners.held(dynamodb, TABLE, "deploy", show=lambda _: None, now=clock):
        with pytest.raises(EnvironmentHeld, match="for: deploy, until"), take(dynamodb, clock):
            pass
        assert clock.now > 1_000
    with take(dynamodb, clock):
        assert owners.current(dynamodb, TABLE, clock) is not None


def test_a_lease_that_is_over_is_taken_and_not_released_by_the_one_before(dynamodb: Any) -> None:
    clock = Time(1_000.0)
    late = take(dynamodb, clock)
    late.__enter__()
    clock.now += 3600
    with take(dynamodb, clock):
        late.__exit__(None, None, None)
        assert owners.current(dynamodb, TABLE, clock) is not None


def test_without_a_table_nobody_holds(dynamodb: Any) -> None:
    entered = False
    with take(dynamodb, Time(1_000.0), "another-table"):
        entered = True
    assert entered


def take_for(dynamodb: Any, token: str, clock: Time, **how: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hold.aws, "client", lambda _: dynamodb)
        hold.take(TABLE, "recovery", token, token, lease_seconds=60, now=clock, **how)


@pytest.mark.parametrize(
    ("before", "after", "passes"),
    [
        ({"gives_way": True}, {"goes_first": True}, True),
        ({"gives_way": True}, {}, False),
        ({}, {"goes_first": True}, False),
    ],
)
def test_only_who_goes_first_takes_it_and_only_from_who_gives_way(
    dynamodb: Any, before: dict[str, bool], after: dict[str, bool], passes: bool
) -> None:
    clock = Time(1_000.0)
    take_for(dynamodb, "a drill", clock, **before)

    if not passes:
        with pytest.raises(EnvironmentHeld, match="a drill"):
            take_for(dynamodb, "a cutover", clock, **after)
        return
    take_for(dynamodb, "a cutover", clock, **after)

    with pytest.raises(EnvironmentHeld, match="a cutover"):  # and does not give it back
        take_for(dynamodb, "a drill", clock, **before)
    take_for(dynamodb, "a cutover", clock)  # whoever holds takes it anew
