"""Who was erased is not back after a restore, and who is not erased does not notice."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from account.privacy.receipt import verify
from privacy import data_map, package, replay
from privacy import database as eraser
from privacy.restored import Restored
from streamflix import settings
from tests.integration.privacy.conftest import ROWS, settle
from tests.integration.privacy.copy import (
    Copy,
    erased_and_restored,
    in_database,
    new_run,
    receipt_of,
)
from tests.integration.privacy.desk import Context
from tests.integration.seams import Point, Seams, in_child

if TYPE_CHECKING:
    import pytest

    from tests.integration.privacy.conftest import Somebody, Stores
    from tests.integration.privacy.flow import Flow


CRASHES = 8


def test_who_was_erased_after_the_point_in_time_goes_again(
    flow: Flow, stores: Stores, somebody: Somebody, neighbour: Somebody
) -> None:
    before = stores.dump(neighbour.account)
    copy, run = erased_and_restored(flow, stores, somebody), new_run()

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
    copy, run = erased_and_restored(flow, stores, somebody), new_run()
    done, doors = copy.replay(flow, run), flow.doors()

    text = receipt_of(flow, run)
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
        "MASTER_SECRET_ARN": vault.create_secret(Name=new_run(), SecretString=secret)["ARN"],
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
        "restore": new_run(),
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


def test_who_registered_again_stays(flow: Flow, stores: Stores, somebody: Somebody) -> None:
    flow.run(flow.about(somebody).request)
    again = settle(stores, "canary-a", email=somebody.email)
    copy = Copy(stores)
    before = stores.dump(again.account)
    copy.restore()

    done = copy.replay(flow, new_run())

    assert stores.dump(again.account) == before
    assert done.accounts == 0


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
        copy.replay(flow, new_run())
        write("\n".join(seams.names))

    status, told = in_child(clean)
    assert status == 0
    names = told.split("\n")
    assert len(names) > 100
    for number in range(3, len(names), len(names) // CRASHES):
        copy.restore()
        run, point = new_run(), Point(number, after=True, name=names[number])

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
