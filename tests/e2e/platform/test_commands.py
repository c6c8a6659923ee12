"""The commands of the account's owner, on a deployed platform."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.command import ROOT, environment, make

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def somebody_holds(aws: Any, outputs: dict[str, str]) -> Iterator[None]:
    table = aws.client("dynamodb")
    item = {
        "hold": {"S": "environment"},
        "holder": {"S": "restore-drill"},
        "reason": {"S": "weekly drill"},
        "taken_at": {"N": str(int(time.time()))},
        "expires_at": {"N": str(int(time.time()) + 60)},
        "token": {"S": "theirs"},
    }
    table.put_item(TableName=outputs["HoldTableName"], Item=item)
    yield
    table.delete_item(TableName=outputs["HoldTableName"], Key={"hold": item["hold"]})


def test_preflight_passes_where_a_deploy_went_through() -> None:
    said = make("preflight")

    assert said.well, said.text
    assert "secret redis/ops" in said.text
    assert "FAIL" not in said.text


@pytest.mark.usefixtures("somebody_holds")
def test_a_deploy_waits_for_whoever_holds_the_environment() -> None:
    said = make("deploy")

    assert not said.well
    assert "restore-drill holds it for: weekly drill" in said.text


@pytest.mark.usefixtures("somebody_holds")
def test_a_destroy_waits_for_whoever_holds_the_environment(
    aws: Any, outputs: dict[str, str]
) -> None:
    said = make("destroy")

    assert not said.well
    assert "Nothing was done: restore-drill holds it for: weekly drill" in said.text
    stack = f"streamflix-{outputs['EnvironmentSuffix']}"
    assert aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]


def test_a_rooms_log_is_shown() -> None:
    said = make("logs", ROOM="schema", SINCE="1h")

    assert said.well, said.text
    assert "REPORT RequestId" in said.text


def test_a_room_that_does_not_exist_is_answered_with_the_rooms() -> None:
    said = make("logs", ROOM="kitchen")

    assert not said.well
    assert "There is no room 'kitchen'. Rooms: " in said.text
    assert "analytics" in said.text
    assert "schema" in said.text


def test_a_function_is_called_with_an_event_from_a_file(tmp_path: Path) -> None:
    sample = json.loads((ROOT / "events/analytics/kinesis_batch.json").read_text())["Records"][0]
    now = datetime.now(UTC)
    seen = json.loads(base64.b64decode(sample["kinesis"]["data"]))
    seen |= {"title_id": f"title-{now:%H%M%S%f}", "ts": now.isoformat().replace("+00:00", "Z")}
    sample["kinesis"]["data"] = base64.b64encode(json.dumps(seen).encode()).decode()
    sample["kinesis"]["approximateArrivalTimestamp"] = now.timestamp()
    one = tmp_path / "one.json"
    one.write_text(json.dumps({"Records": [sample]}))

    said = make("invoke", FN="analytics-consume", EVENT=str(one))

    assert said.well, said.text
    assert '"EventsIngested"' in said.text


def test_a_function_that_fails_is_shown_with_its_error(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.json"
    nothing.write_text(json.dumps({"Records": []}))

    said = make("invoke", FN="analytics-consume", EVENT=str(nothing))

    assert not said.well
    assert "MalformedInvocation" in said.text
    assert f"make logs ENV={environment()} ROOM=analytics" in said.text


def test_a_function_that_does_not_exist_is_answered_with_the_functions() -> None:
    said = make("invoke", FN="kitchen-cook", EVENT="events/schema/update.json")

    assert not said.well
    assert "There is no function 'kitchen-cook'. Functions: " in said.text
    assert "analytics-consume" in said.text
