"""One request however often it is posted, and one open request for each person."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from privacy.errors import AlreadyOpen, RequestDiffers
from privacy.request import Request

if TYPE_CHECKING:
    from privacy.record import Record
    from tests.integration.privacy.conftest import Somebody
    from tests.integration.privacy.flow import Flow


def asked(who: Somebody) -> Request:
    return Request(
        request=uuid.uuid4(),
        submitted_at=datetime.now(UTC),
        identities={"email": who.email},
        callback_urls=(),
        verified_by="self_service",
        version="2.0",
        sha256="a" * 64,
        encoded="",
    )


def test_fifty_who_post_the_same_at_once_put_one_row(flow: Flow, somebody: Somebody) -> None:
    doors = flow.doors()
    request = asked(somebody)
    answers: list[tuple[Record, bool]] = []

    threads = [
        threading.Thread(target=lambda: answers.append(flow.receive(request, doors)))
        for _ in range(50)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 50
    assert sum(new for _, new in answers) == 1
    assert {(each.received_at, each.request) for each, _ in answers} == {
        (answers[0][0].received_at, request.request)
    }
    assert len(doors.ledger.events(request.request)) == 1


def test_the_same_id_with_another_body_is_refused(flow: Flow, somebody: Somebody) -> None:
    request = asked(somebody)
    flow.receive(request, flow.doors())

    with pytest.raises(RequestDiffers):
        flow.receive(replace(request, sha256="b" * 64), flow.doors())


def test_a_second_request_about_the_same_identity_names_the_first(
    flow: Flow, somebody: Somebody
) -> None:
    first = flow.about(somebody)

    with pytest.raises(AlreadyOpen, match=str(first.request)):
        flow.post(("email", somebody.email.upper()))


def test_a_second_request_by_another_identity_is_closed_as_a_duplicate(
    flow: Flow, somebody: Somebody
) -> None:
    first = flow.about(somebody)
    flow.step("verify_identity", first.request, flow.doors())
    second = flow.post(("controller_customer_id", str(somebody.account)))

    done = flow.run(second.request)

    assert (done.state, done.reason) == ("cancelled", "duplicate")
    assert flow.run(first.request).state == "completed"


def test_after_it_is_done_the_same_person_can_ask_again(flow: Flow, somebody: Somebody) -> None:
    flow.run(flow.about(somebody).request)

    again = flow.run(flow.about(somebody).request)

    assert again.state == "completed"
    assert flow.receipt(again.request)["erased"]["app.account"] == 0
