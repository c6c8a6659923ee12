"""What CloudFormation sends, and what it reads when something is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schema.errors import SchemaBlocked
from schema.migrate import explain, handler
from schema.reply import LONGEST_REASON
from schema.request import BadRequest, Request
from schema.settings import Settings
from streamflix.errors import SettingsInvalid

EVENTS = Path(__file__).parents[3] / "events" / "schema"


def event(kind: str = "create", **changes: Any) -> dict[str, Any]:
    return {**json.loads((EVENTS / f"{kind}.json").read_text()), **changes}


@pytest.mark.parametrize("kind", ["create", "update", "delete"])
def test_every_sample_is_a_request(kind: str) -> None:
    request = Request.from_event(event(kind))

    assert request.kind == kind.capitalize()
    assert request.logical_id == "DatabaseSchema"
    assert len(request.migrations_sha256) == 64


def test_who_sees_a_request_cannot_answer_it() -> None:
    assert "amazonaws.com/answer" not in repr(Request.from_event(event()))


def test_a_delete_without_properties_is_a_request() -> None:
    assert Request.from_event(event("delete", ResourceProperties=None)).migrations_sha256 == ""


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
    assert "\n" not in reason
    assert len(reason) < LONGEST_REASON


def test_an_unknown_error_is_explained_without_its_words() -> None:
    def fault() -> None:
        raise RuntimeError("Hush")

    with pytest.raises(RuntimeError) as caught:
        fault()

    reason = explain(caught.value)
    assert reason.startswith("RuntimeError at test_request.py:")
    assert "Hush" not in reason
    assert explain(RuntimeError("Hush")).startswith("RuntimeError at unknown place: ")


def test_settings_are_read_in_the_templates_words() -> None:
    settings = Settings.from_env(
        {
            "ENVIRONMENT": "dev",
            "ADDRESS_BOOK": "/streamflix/dev/aurora",
            "MASTER_SECRET_ARN": "arn:m",
            "LOGIN_SECRET_ARNS": '{"app": "arn:a", "analytics": "arn:b"}',
        }
    )

    assert settings.login_secret_arns == {"app": "arn:a", "analytics": "arn:b"}
    assert settings.master_secret_arn == "arn:m"


def test_settings_that_are_missing_are_named_all_at_once() -> None:
    with pytest.raises(SettingsInvalid) as refused:
        Settings.from_env({"LOGIN_SECRET_ARNS": "[]"})

    for name in ("ENVIRONMENT", "ADDRESS_BOOK", "MASTER_SECRET_ARN", "LOGIN_SECRET_ARNS"):
        assert name in str(refused.value)
