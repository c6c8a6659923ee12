"""Who is being erased when the databases are restored is fenced again, and is erased in the end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from privacy import audit
from privacy.errors import (
    IllegalMove,
    SentBack,
)
from privacy.ledger import Ledger
from tests.integration.privacy.conftest import ROWS
from tests.integration.privacy.copy import (
    Copy,
    in_database,
    new_run,
)
from tests.integration.privacy.flow import ORDER
from tests.integration.privacy.test_erasure import ERASED

if TYPE_CHECKING:
    import uuid

    from tests.integration.privacy.conftest import Somebody, Stores
    from tests.integration.privacy.flow import Flow


@pytest.mark.parametrize("reached", ["fence", "erase_database", "erase_files", "verify"])
def test_who_is_being_erased_is_fenced_again_and_goes_with_a_receipt_of_everything(
    flow: Flow, stores: Stores, somebody: Somebody, reached: str
) -> None:
    copy, doors, run = Copy(stores), flow.doors(), new_run()
    request = flow.about(somebody).request
    for step in ORDER[: ORDER.index(reached) + 1]:
        before = flow.step(step, request, doors)
    copy.restore()

    copy.replay(flow, run, "cutover")

    assert not any(in_database(stores, somebody).values())
    record = doors.ledger.read(request)
    assert (record.state, record.verified_at) == ("fenced", "")
    assert set(record.marks) == set(before.marks)
    last = doors.ledger.events(request)[-1]
    assert (last["what"], last["detail"]) == ("replayed", {"restore": run, "from": before.state})

    with pytest.raises(SentBack):
        flow.step("complete", request, doors)
    assert flow.run(request, doors).state == "completed"
    assert flow.receipt(request)["erased"] == ERASED
    assert set(doors.ledger.read(request).marks) == set(before.marks)
    assert audit.complaints(doors.ledger.events(request)) == []


def test_a_workflow_that_went_on_meanwhile_is_taken_back_wherever_it_is(
    flow: Flow, stores: Stores, somebody: Somebody
) -> None:
    copy, doors, theirs = Copy(stores), flow.doors(), flow.doors()
    request = flow.about(somebody).request
    for step in ORDER[: ORDER.index("erase_sessions") + 1]:
        flow.step(step, request, doors)
    copy.restore()

    class Slow(Ledger):
        """Whoever reads here is overtaken once."""

        overtaken = False

        def read(self, wanted: uuid.UUID) -> Any:
            record = super().read(wanted)
            if wanted == request and not self.overtaken:
                self.overtaken = True
                flow.step("erase_files", request, theirs)
            return record

    copy.replay(
        flow,
        new_run(),
        "cutover",
        doors=replace(copy.doors(flow), ledger=Slow(flow.env.ledger_table)),
    )

    assert doors.ledger.read(request).state == "fenced"
    assert doors.ledger.events(request)[-1]["detail"]["from"] == "verifying"


def test_only_who_is_being_erased_is_taken_back(flow: Flow, somebody: Somebody) -> None:
    record = flow.about(somebody)
    with pytest.raises(IllegalMove):
        flow.doors().ledger.send_back(record, new_run())


def test_who_was_fenced_a_moment_ago_is_shut_until_the_workflow_goes_on(
    flow: Flow, stores: Stores, somebody: Somebody, neighbour: Somebody
) -> None:
    copy, doors = Copy(stores), flow.doors()
    request = flow.about(somebody).request
    record = flow.step("verify_identity", request, doors)
    doors.ledger.move(record, "fenced")  # and there its process died

    copy.replay(flow, new_run(), "cutover")

    state = "SELECT state FROM app.account WHERE account_id = %s"
    assert stores.rows(state, str(somebody.account)) == [("fenced",)]
    assert stores.rows(state, str(neighbour.account)) == [("active",)]
    assert flow.run(request, doors).state == "completed"
    assert flow.receipt(request)["erased"] == ERASED


def test_a_drill_leaves_open_requests_alone(flow: Flow, stores: Stores, somebody: Somebody) -> None:
    copy, doors = Copy(stores), flow.doors()
    request = flow.about(somebody).request
    for step in ORDER[: ORDER.index("erase_sessions") + 1]:
        before = flow.step(step, request, doors)
    copy.restore()

    done = copy.replay(flow, new_run())

    assert doors.ledger.read(request) == before
    assert dict(done.rows) == ROWS
