"""Whatever happens, CloudFormation is answered once, with a reason that holds no secret."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from streamflix import custom_resource
from streamflix.custom_resource import (
    LONGEST_REASON,
    Reply,
    Request,
    Unanswered,
    serve,
)
from streamflix.errors import AddressUnknown
from tests.response_bucket import context, open_bucket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.response_bucket import Bucket

SECRET = "Hush-Hush-4711"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(custom_resource, "ATTEMPT_SECONDS", 1.0)
    monkeypatch.setattr(custom_resource, "PAUSE_SECONDS", 0.01)


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with open_bucket() as bucket:
        yield bucket


def event(url: str = "https://bucket.example/answer", **changes: Any) -> dict[str, Any]:
    return {
        "RequestType": "Create",
        "StackId": "arn:stack",
        "RequestId": "request",
        "LogicalResourceId": "Thing",
        "ResponseURL": url,
        "ResourceProperties": {"Size": 3},
    } | changes


def send(
    bucket: Bucket,
    act: Callable[..., Mapping[str, str]],
    seconds: float = 10,
    **changes: Any,
) -> dict[str, Any]:
    request = event(bucket.url, **changes)
    serve(request, context(seconds), act, physical_id="thing", out_of_time="it took too long")
    return bucket.only()


def test_what_was_done_is_the_answer(bucket: Bucket) -> None:
    answer = send(bucket, lambda request, *_: {"Size": request.text("Size")})

    assert answer == {
        "Status": "SUCCESS",
        "Reason": "",
        "PhysicalResourceId": "thing",
        "StackId": "arn:stack",
        "RequestId": "request",
        "LogicalResourceId": "Thing",
        "Data": {"Size": "3"},
    }
    assert bucket.content_types == [""]  # the address is signed for none


def refuse(*_: object) -> dict[str, str]:
    raise AssertionError("nothing is done")


def delete(
    bucket: Bucket, physical_id: str = "thing", seconds: float = 10, **hook: Any
) -> dict[str, Any]:
    request = event(bucket.url, RequestType="Delete", PhysicalResourceId=physical_id)
    del request["ResourceProperties"]
    serve(request, context(seconds), refuse, physical_id="thing", out_of_time="late", **hook)
    return bucket.only()


def test_delete_does_nothing_and_succeeds(bucket: Bucket) -> None:
    assert delete(bucket)["Status"] == "SUCCESS"


def test_what_would_stay_is_taken_away_before_delete_is_answered(bucket: Bucket) -> None:
    answered: list[int] = []

    assert delete(bucket, at_end=lambda: answered.append(len(bucket.answers)))["Status"] == (
        "SUCCESS"
    )
    assert answered == [0]


def test_what_cannot_be_taken_away_is_logged_and_holds_no_stack(
    bucket: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise AddressUnknown("the store refused")

    answer = delete(bucket, at_end=fail)

    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", "thing")
    assert "left behind: AddressUnknown: the store refused" in caplog.text


def test_what_hangs_at_the_end_is_not_waited_for(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(custom_resource, "END_SECONDS", 0.2)
    answered: list[int] = []

    def hang() -> None:
        time.sleep(1)
        answered.append(len(bucket.answers))

    assert delete(bucket, seconds=600, at_end=hang)["Status"] == "SUCCESS"
    assert answered == [1]


def test_an_exit_at_the_end_succeeds_too(bucket: Bucket) -> None:
    def leave() -> None:
        raise SystemExit(SECRET)

    with pytest.raises(SystemExit):
        delete(bucket, at_end=leave)

    assert bucket.only()["Status"] == "SUCCESS"


def test_the_delete_of_what_was_never_made_takes_nothing_away(bucket: Bucket) -> None:
    """A second resource of the kind that fails must not end the first one, which stands."""

    def fail(*_: object) -> dict[str, str]:
        raise AddressUnknown("writer")

    taken: list[str] = []
    failed = send(bucket, fail)["PhysicalResourceId"]
    bucket.answers.clear()

    answer = delete(bucket, failed, at_end=lambda: taken.append("it"))
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", failed)
    assert taken == []


def test_an_update_that_fails_keeps_its_name(bucket: Bucket) -> None:
    """Another one would be a replacement, and the old one deleted."""
    answer = send(bucket, refuse, RequestType="Update", PhysicalResourceId="thing")

    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", "thing")


def test_an_unknown_error_is_told_by_name_and_place_only(bucket: Bucket) -> None:
    def fault(*_: object) -> dict[str, str]:
        raise KeyError(SECRET)

    answer = send(bucket, fault)

    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith("KeyError at test_custom_resource.py:")
    assert SECRET not in str(answer)


def test_a_long_reason_is_cut_so_that_cloudformation_takes_it(bucket: Bucket) -> None:
    def fail(*_: object) -> dict[str, str]:
        raise AddressUnknown("x" * 5_000)

    assert len(send(bucket, fail)["Reason"]) == LONGEST_REASON


def test_even_an_exit_is_answered(bucket: Bucket) -> None:
    def leave(*_: object) -> dict[str, str]:
        raise SystemExit(SECRET)

    with pytest.raises(SystemExit):
        send(bucket, leave)

    assert bucket.only()["Reason"].startswith("SystemExit ended the function")
    assert SECRET not in str(bucket.only())


def test_when_the_time_ends_the_answer_is_there_before_the_function_ends(bucket: Bucket) -> None:
    told, release = [], threading.Event()

    def hang(*_: object) -> dict[str, str]:
        release.wait(10)
        told.append(len(bucket.answers))
        return {"Late": "yes"}

    threading.Timer(1.0, release.set).start()
    answer = send(bucket, hang, seconds=0.5)

    assert (answer["Status"], answer["Reason"]) == ("FAILED", "it took too long")
    assert told == [1]  # and the late one was dropped: `send` found only one


def test_what_is_waited_for_is_the_answer_when_the_time_ends(bucket: Bucket) -> None:
    def hang(_: Request, __: object, reply: Reply) -> dict[str, str]:
        reply.waits(AddressUnknown("writer"))
        time.sleep(0.5)
        return {}

    assert send(bucket, hang, seconds=0.3)["Reason"].startswith("AddressUnknown: writer. ")


def test_a_bucket_that_fails_is_tried_again(bucket: Bucket) -> None:
    bucket.failures = custom_resource.ATTEMPTS - 1

    assert send(bucket, lambda *_: {})["Status"] == "SUCCESS"


def test_an_answer_that_cannot_be_delivered_makes_lambda_call_again(bucket: Bucket) -> None:
    bucket.failures = custom_resource.ATTEMPTS

    with pytest.raises(Unanswered, match="HTTP 503"):
        send(bucket, lambda *_: {})

    assert bucket.answers == []


def test_a_bucket_out_of_reach_makes_lambda_call_again() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/answer"

        with pytest.raises(Unanswered, match=r"ConnectionRefusedError|URLError"):
            serve(event(url), context(10), lambda *_: {}, physical_id="x", out_of_time="x")
