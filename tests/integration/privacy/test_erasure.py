"""Whole erasures: in order, in pieces, repeated, and against a cancellation."""

from __future__ import annotations

import json
import os
import random
import threading
import time
import uuid
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from privacy import audit, erasure, package
from privacy.errors import (
    AlreadyOpen,
    DataMapDrifted,
    IllegalMove,
    KeyDestroyed,
    MovedMeanwhile,
    OutOfOrder,
    RemainsPersist,
    RequestDiffers,
)
from privacy.request import Request
from tests.integration.privacy.flow import ORDER

if TYPE_CHECKING:
    from collections.abc import Callable

    from privacy.erasure import Doors
    from privacy.record import Record
    from tests.integration.privacy.conftest import Somebody, Stores
    from tests.integration.privacy.flow import Flow

RACES = int(os.environ.get("PRIVACY_RACES", "5"))
ERASED = {
    "app.account": 1,
    "app.device": 1,
    "app.profile": 2,
    "app.rating": 6,
    "app.watch_history": 30,
    "redis": 4,
    "files": 1,
}


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


def test_a_person_goes_everywhere_and_gets_a_receipt(
    flow: Flow, stores: Stores, somebody: Somebody, neighbour: Somebody
) -> None:
    before = stores.dump(neighbour.account)
    record = flow.about(somebody)

    done = flow.run(record.request)

    assert done.state == "completed"
    assert not any(stores.dump(somebody.account).values())
    assert stores.dump(neighbour.account) == before
    receipt = flow.receipt(record.request)
    assert receipt["erased"] == ERASED
    assert receipt["retained"] == [
        {
            "from": "app.invoice",
            "into": "privacy.retained_invoice",
            "rows": 4,
            "legal_basis": receipt["retained"][0]["legal_basis"],
            "anonymised": True,
        }
    ]
    assert receipt["subject"] == flow.doors().subjects.subject(somebody.account)
    assert receipt["code_sha256"] == package.sha256()


def test_the_history_is_a_chain_and_names_nobody(flow: Flow, somebody: Somebody) -> None:
    record = flow.about(somebody)
    flow.run(record.request)

    events = flow.doors().ledger.events(record.request)

    assert [each["what"] for each in events] == [
        "received",
        "verified",
        "fenced",
        "counted_redis",
        "erasing",
        "counted_files",
        "verifying",
        "nothing_found",
        "completed",
    ]
    assert audit.complaints(events) == []
    assert str(somebody.account) not in str(events)
    assert somebody.mark not in str(events)


def test_when_it_is_done_nobody_can_unseal_who_it_was(flow: Flow, somebody: Somebody) -> None:
    record = flow.about(somebody)
    sealed = record.sealed
    assert flow.doors().seals.unseal(record.request, sealed).identities == {"email": somebody.email}

    done = flow.run(record.request)

    assert done.sealed == b""
    with pytest.raises(KeyDestroyed):
        flow.doors().seals.unseal(record.request, sealed)


def test_every_step_may_run_again_and_out_of_its_turn_it_is_refused_or_does_nothing(
    flow: Flow, somebody: Somebody
) -> None:
    record, doors, rng = flow.about(somebody), flow.doors(), random.Random(5)
    for name in ORDER:
        for _ in range(rng.randint(1, 3)):
            flow.step(name, record.request, doors)
        for other in rng.sample(ORDER, 3):
            before = doors.ledger.read(record.request)
            if ORDER.index(other) > ORDER.index(name) + 1:
                continue
            flow.step(other, record.request, doors)
            assert doors.ledger.read(record.request).state == before.state

    assert flow.receipt(record.request)["erased"] == ERASED


def test_no_step_can_be_skipped(flow: Flow, somebody: Somebody) -> None:
    record, doors = flow.about(somebody), flow.doors()
    for number, name in enumerate(ORDER[:-1]):
        for later in ORDER[number + 1 :]:
            if (name, later) in {
                ("erase_database", "erase_sessions"),
                ("erase_database", "erase_files"),
                ("erase_sessions", "erase_files"),
            }:
                continue  # their order among each other is the workflow's; what is left is found
            with pytest.raises(OutOfOrder):
                flow.step(later, record.request, doors)
        flow.step(name, record.request, doors)


def test_somebody_who_is_not_known_gets_the_same_answer(flow: Flow) -> None:
    record = flow.post(("email", "nobody@example.org"))

    done = flow.run(record.request)

    assert done.state == "completed"
    assert set(flow.receipt(record.request)["erased"].values()) <= {0}


def test_an_account_that_the_database_has_lost_is_erased_by_its_id(
    flow: Flow, stores: Stores, somebody: Somebody
) -> None:
    """As after a restore to before it registered: sessions, files and events know it still."""
    stores.database.do(
        "app_owner",
        "DELETE FROM app.watch_history; DELETE FROM app.rating; DELETE FROM app.invoice;"
        "DELETE FROM app.device; DELETE FROM app.profile; DELETE FROM app.account",
    )

    record = flow.post(("controller_customer_id", str(somebody.account)))
    done = flow.run(record.request)

    assert done.state == "completed"
    assert not any(stores.dump(somebody.account).values())
    receipt = flow.receipt(record.request)
    assert (receipt["erased"]["redis"], receipt["erased"]["files"]) == (4, 1)
    assert stores.rows("SELECT count(*) FROM privacy.tombstone", role="privacy_erase") == [(1,)]


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


def test_identities_of_two_people_erase_nobody(
    flow: Flow, stores: Stores, somebody: Somebody, neighbour: Somebody
) -> None:
    both = (("email", somebody.email), ("controller_customer_id", str(neighbour.account)))

    done = flow.run(flow.post(*both).request)

    assert (done.state, done.reason) == ("cancelled", "identity_mismatch")
    assert stores.dump(somebody.account)["app.account"]
    assert stores.dump(neighbour.account)["app.account"]


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


def test_drift_blocks_before_the_fence_and_the_request_goes_on_afterwards(
    flow: Flow, stores: Stores, somebody: Somebody
) -> None:
    record = flow.about(somebody)
    stores.database.do("app_owner", "ALTER TABLE app.rating ADD COLUMN review text")
    try:
        with pytest.raises(DataMapDrifted):
            flow.run(record.request)
        assert flow.doors().ledger.read(record.request).state == "verified"
    finally:
        stores.database.do("app_owner", "ALTER TABLE app.rating DROP COLUMN review")

    assert flow.run(record.request).state == "completed"


def test_what_is_found_is_erased_again_and_what_stays_calls_for_a_person(
    flow: Flow, stores: Stores, somebody: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, doors = flow.about(somebody), flow.doors()
    for name in ("verify_identity", "fence"):
        flow.step(name, record.request, doors)
    late = f"session:{{{somebody.account}}}:late"
    for _ in range(erasure.VERIFICATIONS - 1):
        for name in ("erase_database", "erase_sessions", "erase_files"):
            flow.step(name, record.request, doors)
        stores.cluster.set(late, "x", ex=60)
        assert flow.step("verify", record.request, doors).state == "erasing"
    for name in ("erase_database", "erase_sessions", "erase_files"):
        flow.step(name, record.request, doors)
    stores.cluster.set(late, "x", ex=60)
    with pytest.raises(RemainsPersist, match="redis keys"):
        flow.step("verify", record.request, doors)
    erasure.fail(doors.ledger.read(record.request), doors, "RemainsPersist")

    # Somebody has looked; what is found once more is erased, not given up.
    for name in ("erase_database", "erase_sessions", "erase_files"):
        flow.step(name, record.request, doors)
    stores.cluster.set(late, "x", ex=60)
    assert flow.step("verify", record.request, doors).state == "erasing"
    assert flow.run(record.request).state == "completed"


def test_who_asked_to_be_called_is_told_of_each_status(flow: Flow, somebody: Somebody) -> None:
    sqs = flow.laptop.client("sqs")
    sqs.purge_queue(QueueUrl=flow.env.callbacks_queue_url)
    record = flow.about(somebody)
    flow.run(record.request)

    told = []
    while messages := sqs.receive_message(
        QueueUrl=flow.env.callbacks_queue_url, MaxNumberOfMessages=10
    ).get("Messages"):
        for message in messages:
            told.append(json.loads(message["Body"]))
            sqs.delete_message(
                QueueUrl=flow.env.callbacks_queue_url, ReceiptHandle=message["ReceiptHandle"]
            )

    assert sorted((each["sequence"], each["status"]) for each in told) == [
        (3, "in_progress"),
        (9, "completed"),
    ]
    assert {each["request"] for each in told} == {str(record.request)}
