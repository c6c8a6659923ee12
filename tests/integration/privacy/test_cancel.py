"""Cancellations: before the fence, after it, and against it."""

from __future__ import annotations

import os
import random
import threading
import time
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from privacy import erasure
from privacy.errors import IllegalMove, MovedMeanwhile

if TYPE_CHECKING:
    from collections.abc import Callable

    from privacy.erasure import Doors
    from privacy.record import Record
    from tests.integration.privacy.conftest import Somebody, Stores
    from tests.integration.privacy.flow import Flow

RACES = int(os.environ.get("PRIVACY_RACES", "5"))


def test_a_cancelled_request_erases_nothing_and_frees_the_person(
    flow: Flow, stores: Stores, somebody: Somebody
) -> None:
    record, doors = flow.about(somebody), flow.doors()
    record = flow.step("verify_identity", record.request, doors)
    before = stores.dump(somebody.account)

    erasure.cancel(record, doors, "withdrawn")
    done = flow.run(record.request)

    assert done.state == "cancelled"
    assert stores.dump(somebody.account) == before
    flow.about(somebody)


def test_after_the_fence_nobody_can_cancel(flow: Flow, somebody: Somebody) -> None:
    record, doors = flow.about(somebody), flow.doors()
    flow.step("verify_identity", record.request, doors)
    record = flow.step("fence", record.request, doors)

    with pytest.raises(IllegalMove):
        erasure.cancel(record, doors, "withdrawn")


def test_who_closes_a_request_while_a_step_begins_makes_no_failure_of_it(
    flow: Flow, somebody: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, doors = flow.about(somebody), flow.doors()
    real = doors.seals.unseal

    def withdrawn_meanwhile(*given: Any) -> Any:
        erasure.close(erasure.cancel(record, doors, "withdrawn"), doors)
        return real(*given)

    monkeypatch.setattr(doors.seals, "unseal", withdrawn_meanwhile)

    assert flow.step("verify_identity", record.request, doors).state == "cancelled"


def test_of_a_cancellation_and_a_fence_one_wins(
    flow: Flow, stores: Stores, record_property: Callable[[str, object], None]
) -> None:
    """Here a few rounds; a thousand by `make prove ROOM=privacy`."""
    doors = flow.doors(), flow.doors()
    with stores.database.connection() as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE app_owner")
            winners = Counter(race(flow, doors, cursor, seed) for seed in range(RACES))

    assert set(winners) <= {"cancel", "fence"}
    record_property("races", RACES)
    record_property("cancelled", winners["cancel"])
    record_property("fenced", winners["fence"])


def race(flow: Flow, doors: tuple[Doors, Doors], cursor: Any, seed: int) -> str:
    """Cancel and fence at moments that the seed decides; returns who won, and only one did."""
    account, rng = str(uuid.uuid4()), random.Random(seed)
    cursor.execute(
        "INSERT INTO app.account (account_id, email, country) VALUES (%s, %s, 'DE')",
        (account, f"{account}@example.org"),
    )
    request = flow.post(("controller_customer_id", account), doors=doors[0]).request
    record = flow.step("verify_identity", request, doors[0])
    outcomes: dict[str, bool] = {}

    def attempt(name: str, pause: float, act: Callable[[], Record]) -> None:
        time.sleep(pause)
        try:
            outcomes[name] = act().state in {"cancelled", "erasing"}
        except (MovedMeanwhile, IllegalMove):
            outcomes[name] = False

    def fence() -> Record:
        moved = flow.step("fence", request, doors[1])
        if moved.state == "cancelled":
            raise IllegalMove
        return moved

    threads = [
        threading.Thread(target=attempt, args=(name, rng.uniform(0, longest), act))
        for name, longest, act in (  # a fence looks at the data map first
            ("cancel", 0.06, lambda: erasure.cancel(record, doors[0], "withdrawn")),
            ("fence", 0.02, fence),
        )
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cursor.execute("SELECT state FROM app.account WHERE account_id = %s", (account,))
    fenced = cursor.fetchone() == ("fenced",)
    state = doors[0].ledger.read(request).state
    assert (outcomes["cancel"], outcomes["fence"]) in {(True, False), (False, True)}, seed
    assert (fenced, state) == ((True, "erasing") if outcomes["fence"] else (False, "cancelled"))
    return "fence" if fenced else "cancel"
