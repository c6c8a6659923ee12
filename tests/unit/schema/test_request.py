"""What CloudFormation sends to this room."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schema.errors import SchemaBlocked
from schema.migrate import handler
from streamflix.custom_resource import BadRequest, Request, explain

EVENTS = Path(__file__).parents[3] / "events" / "schema"


def event(kind: str = "create", **changes: Any) -> dict[str, Any]:
    return {**json.loads((EVENTS / f"{kind}.json").read_text()), **changes}


@pytest.mark.parametrize("kind", ["create", "update", "delete"])
def test_every_sample_is_a_request(kind: str) -> None:
    request = Request.from_event(event(kind))

    assert request.kind == kind.capitalize()
    assert request.logical_id == "DatabaseSchema"
    assert len(request.text("MigrationsSha256")) == 64


def test_who_sees_a_request_cannot_answer_it() -> None:
    assert "amazonaws.com/answer" not in repr(Request.from_event(event()))


def test_a_delete_without_properties_is_a_request() -> None:
    assert Request.from_event(event("delete", ResourceProperties=None)).text("x") == ""


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"ResponseURL": None, "StackId": 7}, "the event lacks StackId, ResponseURL"),
        ({"ResponseURL": "file:///etc/passwd"}, "ResponseURL is no web address"),
    ],
)
def test_an_event_that_nobody_waits_for_is_refused(changes: Any, complaint: str) -> None:
    class NoContext:
        def get_remaining_time_in_millis(self) -> int:
            raise AssertionError("nothing begins")

    with pytest.raises(BadRequest, match=f"^{complaint}$"):
        handler(event(**changes), NoContext())


def test_a_known_error_is_explained_with_its_advice() -> None:
    reason = explain(SchemaBlocked("0002_app: 55P03 canceling statement"))

    assert reason.startswith("SchemaBlocked: 0002_app: 55P03 canceling statement. Somebody held")
    assert reason.endswith("deploy again.")
