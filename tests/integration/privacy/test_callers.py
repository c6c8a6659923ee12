"""Who may ask for what, and sees what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from privacy import answer, callers
from tests.integration.privacy.desk import PARAMETER, ROLE, SESSION

if TYPE_CHECKING:
    from tests.integration.privacy.conftest import Somebody
    from tests.integration.privacy.desk import Desk


def test_a_caller_sees_its_own_requests_only(desk: Desk, somebody: Somebody) -> None:
    body = desk.ask({"email": somebody.email})
    desk("POST", "/v2/requests", body)
    other = "arn:aws:iam::000000000000:user/other"
    desk.allow(
        callers={
            each: {"request_types": ["erasure"], "verified_by": ["self_service"]}
            for each in (ROLE, other)
        }
    )

    for path in ("", "/plan", "/receipt"):
        found = desk("GET", f"/v2/requests/{body['subject_request_id']}{path}", caller=other)
        assert found[0] == 404
    assert desk("DELETE", f"/v2/requests/{body['subject_request_id']}", caller=other)[0] == 404
    assert desk("POST", "/v2/requests", body, caller=other)[0] == 409
    assert desk("GET", "/v2/requests/no-id")[0] == 404


@pytest.mark.parametrize(
    "document",
    [
        {"callers": {}},
        {"callers": {ROLE: {"request_types": [], "verified_by": ["self_service"]}}},
    ],
)
def test_who_is_not_on_the_list_may_ask_for_nothing(
    desk: Desk, somebody: Somebody, document: dict[str, Any]
) -> None:
    desk.allow(**document)

    assert desk("POST", "/v2/requests", desk.ask({"email": somebody.email}))[0] == 403


def test_without_a_list_or_with_a_broken_one_nobody_may(desk: Desk, somebody: Somebody) -> None:
    desk.allow(callers={ROLE: {"may": "everything"}})
    assert desk("POST", "/v2/requests", desk.ask({"email": somebody.email}))[0] == 503

    desk.flow.laptop.client("ssm").delete_parameter(Name=PARAMETER)
    answer.desk.cache_clear()
    assert desk("POST", "/v2/requests", desk.ask({"email": somebody.email}))[0] == 403


def test_a_session_is_its_role() -> None:
    assert callers.role_of(SESSION) == ROLE
    assert callers.role_of("arn:aws:iam::1:user/anna") == "arn:aws:iam::1:user/anna"
