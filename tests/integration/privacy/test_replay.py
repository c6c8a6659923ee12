"""Who was erased is not back after a restore, and who is not erased does not notice."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from account.privacy.receipt import verify
from privacy import audit, data_map, package, replay
from privacy import database as eraser
from privacy.database import Database
from privacy.errors import (
    BadStep,
    DataMapDrifted,
    IllegalMove,
    LedgerUnreachable,
    ReplayIncomplete,
    SentBack,
    TargetTooOld,
)
from privacy.ledger import Ledger
from privacy.restored import Restored
from streamflix import settings
from tests.integration.privacy.conftest import settle
from tests.integration.privacy.copy import Copy
from tests.integration.privacy.desk import Context
from tests.integration.privacy.flow import ORDER
from tests.integration.privacy.test_erasure import ERASED
from tests.integration.seams import Point, Seams, in_child

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.privacy.conftest import Somebody, Stores
    from tests.integration.privacy.flow import Flow

CRASHES = 8
ROWS = {
    "app.account": 1,
    "app.device": 1,
    "app.invoice": 4,
    "app.profile": 2,
    "app.rating": 6,
    "app.watch_history": 30,
}


def name() -> str:
    return f"r{uuid.uuid4().hex}"


def in_database(stores: Stores, who: Somebody) -> dict[str, list[Any]]:
    return {table: rows for table, rows in stores.dump(who.account).items() if "app." in table}


def kept(flow: Flow, run: str) -> str | None:
    return Ledger(flow.env.ledger_table)._receipt(f"restore#{run}")


def erased_and_restored(flow: Flow, stores: Stores, who: Somebody) -> Copy:
    copy = Copy(stores)
    assert flow.run(flow.about(who).request).state == "completed"
    copy.restore()
    assert len(in_database(stores, who)["app.watch_history"]) == 30
    assert copy.marks() == set()
    return copy


def test_who_was_erased_after_the_point_in_time_goes_again(
    flow: Flow, stores: Stores, somebody: Somebody, neighbour: Somebody
) -> None:
    before = stores.dump(neighbour.account)
    copy, run = erased_and_restored(flow, stores, somebody), name()

    done = copy.replay(flow, run)

    assert not any(in_database(stores, somebody).values())
    assert stores.dump(neighbour.account) == before
    assert (done.accounts, dict(done.rows)) == (1, ROWS)
    erasures = flow.doors().ledger.erasures()
    assert copy.marks() == {mark for each in erasures for mark in each.marks}
    assert done.tombstones == len(copy.marks()) >= 4
    kept = stores.rows("SELECT count(*) FROM privacy.retained_invoice", role="privacy_erase")
    assert kept == [(4,)]


def test_the_receipt_of_a_replay_is_signed_and_names_nobody(
    flow: Flow, stores: Stores, somebody: Somebody
) -> None:
    copy, run = erased_and_restored(flow, stores, somebody), name()
    done, doors = copy.replay(flow, run), flow.doors()

    text = kept(flow, run)
    assert text
    told = verify(text, doors.signer.public_key_pem())

    assert hashlib.sha256(text.encode()).hexdigest() == done.receipt_sha256
    assert {name: told[name] for name in ("restore", "mode", "accounts", "tombstones")} == {
        "restore": run,
        "mode": "drill",
        "accounts": 1,
        "tombstones": done.tombstones,
    }
    assert told["erased"] == {k: n for k, n in ROWS.items() if k != "app.invoice"}
    assert [(each["from"], each["rows"]) for each in told["retained"]] == [("app.invoice", 4)]
    assert told["map_sha256"] == data_map.ours().sha256
    assert told["schema_version"] == stores.eraser().version()
    assert told["code_sha256"] == package.sha256()
    assert doors.subjects.subject(somebody.account) not in text
    assert all(str(each) not in text for each in somebody.known.ids)


def test_the_workflow_is_told_numbers_and_a_second_call_of_the_run_the_same(
    flow: Flow, stores: Stores, somebody: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    erased_and_restored(flow, stores, somebody)
    master = stores.servers.postgres.master
    secret = json.dumps({"username": master.username, "password": master.password})
    vault = flow.laptop.client("secretsmanager")
    values = {
        "ENVIRONMENT": flow.env.environment,
        "MASTER_SECRET_ARN": vault.create_secret(Name=name(), SecretString=secret)["ARN"],
        "LEDGER_TABLE": flow.env.ledger_table,
        "KEY_ARN": flow.env.key_arn,
        "SIGNING_KEY_ARN": flow.env.signing_key_arn,
    }
    for key, value in values.items():
        monkeypatch.setenv(key, value)
    ca = stores.servers.ca
    monkeypatch.setattr(replay, "Restored", lambda *given: Restored(*given, ca_file=ca))
    settings.cached.cache_clear()
    event = {
        "restore": name(),
        "address": stores.servers.postgres.writer,
        "targetTime": (datetime.now(UTC) - timedelta(hours=1)).isoformat(),
        "mode": "drill",
    }

    first, second = (replay.handler(event, Context()) for _ in range(2))

    assert first["rows"] == ROWS
    assert first["accounts"] == 1
    assert len(first["receipt"]) == 64
    assert first["seconds"] > 0
    assert {**second, "seconds": 0} == {**first, "seconds": 0}
    settings.cached.cache_clear()
    replay._doors.cache_clear()


@pytest.mark.parametrize(
    "change",
    [
        {"restore": "a run"},
        {"restore": None},
        {"mode": "rehearsal"},
        {"mode": None},
        {"targetTime": "yesterday"},
        {"targetTime": "2026-11-30T13:00:00"},
    ],
)
def test_what_names_no_restore_is_refused(change: dict[str, Any]) -> None:
    event = {
        "restore": "r20261130T130000",
        "address": "copy:5432",
        "targetTime": "2026-11-30T13:00:00Z",
        "mode": "drill",
    }
    assert replay._parse(event).run == "r20261130T130000"
    with pytest.raises(BadStep):
        replay._parse({key: it for key, it in {**event, **change}.items() if it is not None})


@pytest.mark.parametrize("reached", ["fence", "erase_database", "erase_files", "verify"])
def test_who_is_being_erased_is_fenced_again_and_goes_with_a_receipt_of_everything(
    flow: Flow, stores: Stores, somebody: Somebody, reached: str
) -> None:
    copy, doors, run = Copy(stores), flow.doors(), name()
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
        name(),
        "cutover",
        doors=replace(copy.doors(flow), ledger=Slow(flow.env.ledger_table)),
    )

    assert doors.ledger.read(request).state == "fenced"
    assert doors.ledger.events(request)[-1]["detail"]["from"] == "verifying"


def test_only_who_is_being_erased_is_taken_back(flow: Flow, somebody: Somebody) -> None:
    record = flow.about(somebody)
    with pytest.raises(IllegalMove):
        flow.doors().ledger.send_back(record, name())


def test_who_was_fenced_a_moment_ago_is_shut_until_the_workflow_goes_on(
    flow: Flow, stores: Stores, somebody: Somebody, neighbour: Somebody
) -> None:
    copy, doors = Copy(stores), flow.doors()
    request = flow.about(somebody).request
    record = flow.step("verify_identity", request, doors)
    doors.ledger.move(record, "fenced")  # and there its process died

    copy.replay(flow, name(), "cutover")

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

    done = copy.replay(flow, name())

    assert doors.ledger.read(request) == before
    assert dict(done.rows) == ROWS


def test_who_registered_again_stays(flow: Flow, stores: Stores, somebody: Somebody) -> None:
    flow.run(flow.about(somebody).request)
    again = settle(stores, "canary-a", email=somebody.email)
    copy = Copy(stores)
    before = stores.dump(again.account)
    copy.restore()

    done = copy.replay(flow, name())

    assert stores.dump(again.account) == before
    assert done.accounts == 0


@pytest.fixture
def untouched(flow: Flow, stores: Stores, somebody: Somebody) -> Iterator[Copy]:
    """A copy in which nothing may be changed."""
    copy = erased_and_restored(flow, stores, somebody)
    before = stores.dump(somebody.account)
    yield copy
    assert stores.dump(somebody.account) == before
    assert copy.marks() == set()


def test_without_the_ledger_nothing_is_written(flow: Flow, untouched: Copy) -> None:
    doors = replace(untouched.doors(flow), ledger=Ledger("gone"))

    with pytest.raises(LedgerUnreachable):
        untouched.replay(flow, name(), doors=doors)


def test_a_point_in_time_beyond_the_tombstones_is_refused(flow: Flow, untouched: Copy) -> None:
    with pytest.raises(TargetTooOld):
        untouched.replay(flow, name(), days=eraser.TOMBSTONE_DAYS + 1)


def test_a_copy_that_the_map_does_not_describe_is_refused(
    flow: Flow, stores: Stores, untouched: Copy
) -> None:
    stores.database.do("app_owner", "CREATE TABLE app.review (review text)")
    try:
        with pytest.raises(DataMapDrifted):
            untouched.replay(flow, name())
    finally:
        stores.database.do("app_owner", "DROP TABLE app.review")


def test_an_eraser_that_misses_somebody_is_found_out_and_signs_nothing(
    flow: Flow, stores: Stores, somebody: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, run = erased_and_restored(flow, stores, somebody), name()
    monkeypatch.setattr(Database, "erase_again", lambda *_: None)

    with pytest.raises(ReplayIncomplete, match=r"app\.account\.account_id") as caught:
        copy.replay(flow, run)

    assert "app.watch_history.profile_id 30" in str(caught.value)
    assert "app.device.device_id 1" in str(caught.value)
    assert kept(flow, run) is None


def test_what_statistics_still_show_is_found_out(
    flow: Flow, stores: Stores, somebody: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(stores, "canary-b", watched=300)
    copy = erased_and_restored(flow, stores, somebody)
    for table in ROWS:
        stores.database.do("app_owner", f"ANALYZE {table}")
    copy.replay(flow, name())

    copy.restore()
    for table in ROWS:
        stores.database.do("app_owner", f"ANALYZE {table}")
    monkeypatch.setattr(Restored, "forget", lambda _: None)
    with pytest.raises(ReplayIncomplete, match=r"statistics app\.profile\.account_id"):
        copy.replay(flow, name())


def test_a_replay_that_is_killed_anywhere_ends_with_the_same_numbers(
    flow: Flow, stores: Stores, neighbour: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One account per transaction, so that there is much between the first and the last."""
    monkeypatch.setattr(eraser, "ACCOUNTS_PER_TRANSACTION", 1)
    before = stores.dump(neighbour.account)
    gone = [settle(stores, f"canary-{n}") for n in range(3)]
    copy = Copy(stores)
    for who in gone:
        flow.run(flow.about(who).request)
    copy.restore()

    def clean(write: Any) -> None:
        seams = Seams()
        seams.install()
        copy.replay(flow, name())
        write("\n".join(seams.names))

    status, told = in_child(clean)
    assert status == 0
    names = told.split("\n")
    assert len(names) > 100
    for number in range(3, len(names), len(names) // CRASHES):
        copy.restore()
        run, point = name(), Point(number, after=True, name=names[number])

        def dying(_: Any, point: Point = point, run: str = run) -> None:
            Seams(point).install()
            copy.replay(flow, run)

        status, _ = in_child(dying)
        assert os.WIFSIGNALED(status), point
        done = copy.replay(flow, run)
        assert (done.accounts, dict(done.rows)) == (3, {it: 3 * n for it, n in ROWS.items()}), point
        for who in gone:
            assert not any(in_database(stores, who).values()), point
    assert stores.dump(neighbour.account) == before
