"""What is no request is refused, by the field and never by its content."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from privacy import request
from privacy.errors import InvalidRequest
from privacy.request import Request, Rules, parse

NOW = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
DOMAIN = "opendsr.streamflix.example"
RULES = Rules(DOMAIN, {"self_service"}, {"callbacks.controller.example"})
EMAIL = "Canary.Person@viewer.example"
ACCOUNT = "0b3a5f3e-5f0e-4a36-8f0b-0c7a3f9a1d10"


def content(**changes: Any) -> dict[str, Any]:
    whole = {
        "regulation": "gdpr",
        "subject_request_id": "3b6c1f0e-7d63-4d0c-9a3e-0f6b1f6f2a11",
        "subject_request_type": "erasure",
        "submitted_time": "2026-11-30T08:59:00Z",
        "subject_identities": [
            {"identity_type": "email", "identity_value": EMAIL, "identity_format": "raw"}
        ],
        "api_version": "2.0",
        "status_callback_urls": ["https://callbacks.controller.example/opendsr"],
        "extensions": {DOMAIN: {"verified_by": "self_service"}},
    }
    return {key: value for key, value in {**whole, **changes}.items() if value is not ...}


def read(**changes: Any) -> Request:
    return parse(json.dumps(content(**changes)).encode(), RULES, NOW)


def identity(**changes: Any) -> list[dict[str, Any]]:
    return [
        {"identity_type": "email", "identity_value": EMAIL, "identity_format": "raw", **changes}
    ]


def test_a_request_of_version_2_is_read() -> None:
    body = json.dumps(content()).encode()

    request = parse(body, RULES, NOW)

    assert str(request.request) == "3b6c1f0e-7d63-4d0c-9a3e-0f6b1f6f2a11"
    assert request.identities == {"email": EMAIL}
    assert request.callback_urls == ("https://callbacks.controller.example/opendsr",)
    assert request.verified_by == "self_service"
    assert request.submitted_at == datetime(2026, 11, 30, 8, 59, tzinfo=UTC)
    assert request.sha256 == hashlib.sha256(body).hexdigest()
    assert base64.b64decode(request.encoded) == body


def test_a_request_of_version_3_is_read() -> None:
    request = read(
        api_version="3.0",
        group_id="group",
        subject_identities={
            "controller_customer_id": {"value": ACCOUNT, "encoding": "raw"},
            "email": {"value": EMAIL},
        },
    )

    assert request.identities == {"controller_customer_id": ACCOUNT, "email": EMAIL}


def test_its_representation_shows_nobody() -> None:
    assert "anary" not in repr(read())


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"regulation": ...}, "regulation", "unsupported_regulation"),
        ({"regulation": "ccpa"}, "regulation", "unsupported_regulation"),
        ({"subject_request_id": ...}, "subject_request_id", "invalid"),
        (
            {"subject_request_id": "3B6C1F0E-7D63-4D0C-9A3E-0F6B1F6F2A11"},
            "subject_request_id",
            "invalid",
        ),
        (
            {"subject_request_id": "3b6c1f0e-7d63-1d0c-9a3e-0f6b1f6f2a11"},
            "subject_request_id",
            "invalid",
        ),
        ({"subject_request_type": "access"}, "subject_request_type", "unsupported_request_type"),
        (
            {"subject_request_type": "portability"},
            "subject_request_type",
            "unsupported_request_type",
        ),
        ({"subject_request_type": "rectification"}, "subject_request_type", "invalid"),
        ({"subject_request_type": ["erasure"]}, "subject_request_type", "invalid"),
        ({"submitted_time": "2026-11-30T09:06:00Z"}, "submitted_time", "in_the_future"),
        ({"submitted_time": "2026-11-30 08:00:00"}, "submitted_time", "invalid"),
        ({"submitted_time": "2026-02-30T08:00:00Z"}, "submitted_time", "invalid"),
        ({"submitted_time": "0001-01-01T00:00:00+23:59"}, "submitted_time", "invalid"),
        ({"submitted_time": 1}, "submitted_time", "invalid"),
        ({"subject_identities": []}, "subject_identities", "missing"),
        ({"subject_identities": {}}, "subject_identities", "missing"),
        ({"subject_identities": "me"}, "subject_identities", "invalid"),
        ({"subject_identities": [EMAIL]}, "subject_identities", "invalid"),
        (
            {"subject_identities": identity(identity_format="sha256")},
            "subject_identities",
            "unsupported_identity_format",
        ),
        (
            {"subject_identities": identity(identity_type="android_id")},
            "subject_identities",
            "unsupported_identity_type",
        ),
        ({"subject_identities": identity() * 2}, "subject_identities", "invalid"),
        ({"subject_identities": identity(identity_value=7)}, "subject_identities", "invalid"),
        ({"subject_identities": identity(identity_value="x@y")}, "subject_identities", "invalid"),
        (
            {"subject_identities": identity(identity_value="a@b.example, c@d.example")},
            "subject_identities",
            "invalid",
        ),
        (
            {"subject_identities": identity(identity_value="ａ@b.example")},  # noqa: RUF001
            "subject_identities",
            "invalid",
        ),
        (
            {"subject_identities": identity(identity_type="controller_customer_id")},
            "subject_identities",
            "invalid",
        ),
        ({"subject_identities": identity(salt="x")}, "subject_identities", "invalid"),
        ({"api_version": "1.0"}, "api_version", "unsupported_version"),
        ({"status_callback_urls": "https://x.example"}, "status_callback_urls", "invalid"),
        (
            {"status_callback_urls": ["http://callbacks.controller.example/x"]},
            "status_callback_urls",
            "invalid",
        ),
        (
            {"status_callback_urls": ["https://callbacks.controller.example/x?who=me"]},
            "status_callback_urls",
            "invalid",
        ),
        (
            {"status_callback_urls": ["https://callbacks.controller.example:8443/x"]},
            "status_callback_urls",
            "invalid",
        ),
        (
            {"status_callback_urls": ["https://me:pw@callbacks.controller.example/x"]},
            "status_callback_urls",
            "invalid",
        ),
        (
            {"status_callback_urls": ["https://[::1/"]},
            "status_callback_urls",
            "invalid",
        ),
        (
            {"status_callback_urls": ["https://169.254.169.254/latest"]},
            "status_callback_urls",
            "unknown_host",
        ),
        (
            {"status_callback_urls": ["https://callbacks.controller.example/x"] * 6},
            "status_callback_urls",
            "invalid",
        ),
        ({"extensions": ...}, "extensions", "missing"),
        ({"extensions": {DOMAIN: {"verified_by": "a_feeling"}}}, "extensions", "not_allowed"),
        (
            {"extensions": {DOMAIN: {"verified_by": "self_service", "hold": 1}}},
            "extensions",
            "unknown",
        ),
        (
            {
                "extensions": {
                    DOMAIN: {"verified_by": "self_service"},
                    "other.example": {"Authorization": "Bearer x"},
                }
            },
            "extensions",
            "credential",
        ),
        ({"canary_person": 1}, "request", "unknown"),
    ],
)
def test_what_is_no_request_is_refused_by_its_field(
    changes: dict[str, Any], field: str, reason: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(**changes)

    assert [(each.field, each.reason) for each in refused.value.complaints] == [(field, reason)]
    assert "anary" not in str(refused.value)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_json"),
        (b"[]", "not_json"),
        (b'{"regulation": "gdpr", "regulation": "gdpr"}', "not_json"),
        (b'{"x": NaN}', "not_json"),
        (b"\xff", "not_json"),
        (b"[" * 60_000, "not_json"),
        (b'{"a":' + b"[" * 900 + b"]" * 900 + b"}", "not_json"),
        (b'{"regulation": "gdpr\\u0000"}', "control_character"),
        (b'{"regulation": "\\ud800"}', "control_character"),
        (b" " * 65_537, "too_long"),
    ],
)
def test_what_is_no_json_object_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse(body, RULES, NOW)

    assert [each.reason for each in refused.value.complaints] == [reason]


def test_all_complaints_come_at_once() -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse(b"{}", RULES, NOW)

    assert {each.field for each in refused.value.complaints} == {
        "regulation",
        "subject_request_id",
        "subject_request_type",
        "submitted_time",
        "subject_identities",
        "extensions",
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner),
    max_leaves=8,
)


@given(st.sampled_from(sorted(content())), JSON)
def test_whatever_stands_in_a_field_is_read_or_refused(name: str, value: Any) -> None:
    try:
        read(**{name: value})
    except InvalidRequest as refused:
        assert refused.complaints  # noqa: PT017


def test_the_published_file_asks_for_the_same_shapes() -> None:
    whole = yaml.safe_load((Path(__file__).parents[3] / "openapi.yaml").read_text())
    asked = whole["components"]["schemas"]["SubjectRequest"]["properties"]

    assert set(asked) == request.FIELDS
    assert asked["subject_request_id"]["pattern"] == f"^{request._UUID4.pattern}$"
    assert asked["submitted_time"]["pattern"] == f"^{request._TIME.pattern}$"
    assert tuple(asked["subject_request_type"]["enum"]) == request.REQUEST_TYPES
    assert tuple(asked["api_version"]["enum"]) == request.VERSIONS
