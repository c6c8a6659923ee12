"""`make logs` and `make invoke`: errors are worded for who reads them."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import pytest

from account import rooms
from account.refusal import Refusal
from tests.unit.account.answers import Answers, Refused

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def logs(dev: Any) -> Any:
    client = dev.client("logs")
    for group in (
        "/aws/lambda/streamflix-analytics-consume-dev",
        "/aws/lambda/streamflix-analytics-consume-prod",
        "/aws/vpc/streamflix-flow-log-dev",
        "/aws/lambda/somebody-elses",
    ):
        client.create_log_group(logGroupName=group)
    return client


def write(logs: Any, stamps: dict[int, str]) -> None:
    group = "/aws/lambda/streamflix-analytics-consume-dev"
    for number, (stamp, message) in enumerate(stamps.items()):
        logs.create_log_stream(logGroupName=group, logStreamName=str(number))
        event = {"timestamp": stamp, "message": message}
        logs.put_log_events(logGroupName=group, logStreamName=str(number), logEvents=[event])


def test_a_rooms_lines_come_in_order_from_all_its_streams(logs: Any, monkeypatch) -> None:
    monkeypatch.setattr(rooms.time, "time", lambda: 1795416700.0)
    write(logs, {1795416699001: "second\n", 1795416698000: "first\n", 1795416000000: "long ago"})

    shown = list(rooms.lines(logs, "dev", "analytics", since=60))

    assert shown == ["06:51:38.000 first", "06:51:39.001 second"]


def test_a_silent_room_says_where_it_would_speak(logs: Any) -> None:
    (line,) = rooms.lines(logs, "dev", "flow", since=60)

    assert line == (
        "flow has logged nothing in that time. Its log groups: /aws/vpc/streamflix-flow-log-dev"
    )


def test_an_unknown_room_lists_this_environments_rooms(logs: Any) -> None:
    with pytest.raises(Refusal, match=r"no room 'kitchen'\. Rooms: analytics, flow\.$"):
        list(rooms.lines(logs, "dev", "kitchen", since=60))


@pytest.mark.parametrize(("text", "wanted"), [("30s", 30), ("10m", 600), ("2h", 7200)])
def test_a_time_is_a_number_and_a_unit(text: str, wanted: int) -> None:
    assert rooms.seconds(text) == wanted


@pytest.mark.parametrize("text", ["", "10", "m", "-1m", "1w"])
def test_any_other_time_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="write 30s, 10m, 2h or 1d"):
        rooms.seconds(text)


@pytest.fixture
def lambdas() -> Any:
    answers = Answers()
    ours = ["streamflix-schema-migrate-dev", "streamflix-analytics-consume-dev"]
    others = ["streamflix-analytics-consume-prod", "other"]
    answers["lambda.list_functions"] = {
        "Functions": [{"FunctionName": name} for name in ours + others]
    }
    return answers.account().client("lambda")


def test_a_function_is_called_by_its_short_name(lambdas: Any) -> None:
    found = rooms.function(lambdas, "dev", "analytics-consume")

    assert found == "streamflix-analytics-consume-dev"


@pytest.mark.parametrize(("short", "said"), [("x", "no function 'x'"), ("", "Say which function")])
def test_an_unknown_function_lists_this_environments_functions(
    lambdas: Any, short: str, said: str
) -> None:
    with pytest.raises(Refusal, match=f"{said}.* Functions: analytics-consume, schema-migrate"):
        rooms.function(lambdas, "dev", short)


def test_an_event_is_a_file_of_json(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text('{"a": 1}')
    bad.write_text("{")

    assert rooms.event(str(good), "analytics") == b'{"a": 1}'
    with pytest.raises(Refusal, match="is not JSON"):
        rooms.event(str(bad), "analytics")
    with pytest.raises(
        Refusal, match=r"no file x\. Samples: .*events/analytics/kinesis_batch"
    ) as it:
        rooms.event("x", "analytics")
    assert "events/schema" not in str(it.value)


@pytest.mark.parametrize("failed", [False, True])
def test_an_answer_has_the_payload_the_log_and_whether_it_failed(failed: bool) -> None:
    answers = Answers()
    more = {"FunctionError": "Unhandled"} if failed else {}
    answers["lambda.invoke"] = lambda: {
        "Payload": io.BytesIO(b"null"),
        "LogResult": base64.b64encode(b"REPORT").decode(),
        **more,
    }

    answer = rooms.invoke(
        answers.account().client("lambda"), "streamflix-analytics-consume-dev", b"{}"
    )

    assert answer == rooms.Answer("null", "REPORT", failed)


def test_a_refused_call_is_aws_own_sentence() -> None:
    answers = Answers()
    answers["lambda.invoke"] = Refused("TooManyRequestsException", "Rate Exceeded.")
    client = answers.account().client("lambda")

    with pytest.raises(client.exceptions.TooManyRequestsException, match="Rate Exceeded"):
        rooms.invoke(client, "streamflix-x-dev", b"{}")
