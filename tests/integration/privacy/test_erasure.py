"""Whole erasures: in order, in pieces and repeated."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest

from privacy import audit, erasure, package
from privacy.errors import (
    DataMapDrifted,
    KeyDestroyed,
    OutOfOrder,
    RemainsPersist,
)
from tests.integration.privacy.flow import ORDER

if TYPE_CHECKING:
    from tests.integration.privacy.conftest import Somebody, Stores
    from tests.integration.privacy.flow import Flow

ERASED = {
    "app.account": 1,
    "app.device": 1,
    "app.profile": 2,
    "app.rating": 6,
    "app.watch_history": 30,
    "redis": 4,
    "files": 1,
}


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


def test_identities_of_two_people_erase_nobody(
    flow: Flow, stores: Stores, somebody: Somebody, neighbour: Somebody
) -> None:
    both = (("email", somebody.email), ("controller_customer_id", str(neighbour.account)))

    done = flow.run(flow.post(*both).request)

    assert (done.state, done.reason) == ("cancelled", "identity_mismatch")
    assert stores.dump(somebody.account)["app.account"]
    assert stores.dump(neighbour.account)["app.account"]


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
