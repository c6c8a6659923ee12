"""What CloudFormation asks of a custom resource, and what it reads when something is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from streamflix.custom_resource import BadRequest, Request, explain
from streamflix.errors import AddressUnknown

EVENT = {
    "RequestType": "Create",
    "StackId": "arn:stack",
    "RequestId": "request",
    "LogicalResourceId": "Thing",
    "ResponseURL": "https://bucket.example/answer",
    "ResourceProperties": {"Size": 3},
}


def test_a_request_is_read_and_its_properties_are_text() -> None:
    request = Request.from_event(EVENT)

    assert (request.kind, request.logical_id) == ("Create", "Thing")
    assert (request.text("Size"), request.text("Colour")) == ("3", "")


def test_who_sees_a_request_cannot_answer_it() -> None:
    assert "bucket.example" not in repr(Request.from_event(EVENT))


def test_a_request_without_properties_is_one() -> None:
    assert Request.from_event(EVENT | {"ResourceProperties": None}).text("Size") == ""


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"ResponseURL": None, "StackId": 7}, "the event lacks StackId, ResponseURL"),
        ({"ResponseURL": "file:///etc/passwd"}, "ResponseURL is no web address"),
    ],
)
def test_an_event_that_nobody_waits_for_is_refused(changes: Any, complaint: str) -> None:
    with pytest.raises(BadRequest, match=f"^{complaint}$"):
        Request.from_event(EVENT | changes)


def test_a_known_error_is_explained_with_its_advice() -> None:
    reason = explain(AddressUnknown("/streamflix/dev/aurora: ThrottlingException"))

    assert reason.startswith("AddressUnknown: /streamflix/dev/aurora: ThrottlingException. The ")
    assert reason.endswith("nobody finds the database.")
    assert "\n" not in reason


def test_an_unknown_error_is_explained_without_its_words() -> None:
    def fault() -> None:
        raise RuntimeError("Hush")

    with pytest.raises(RuntimeError) as caught:
        fault()

    reason = explain(caught.value)
    assert reason.startswith("RuntimeError at test_custom_resource.py:")
    assert "Hush" not in reason
    assert explain(RuntimeError("Hush")).startswith("RuntimeError at unknown place: ")
