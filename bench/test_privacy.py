"""`make bench ROOM=privacy`: what an erasure costs among few and many, what the fence does, and how
long a restored copy waits until all erasures are repeated in it.

Store time is what the room waits for PostgreSQL, Redis and the file system, from the fence to the
last search; the ledger, KMS and the workflow are not in it.
"""

from __future__ import annotations

import gc
import json
import statistics
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg2

from analytics.decode import decode
from analytics.envelope import Batch
from analytics.store import STAGING, Store
from bench import replay
from bench.picture import curve
from privacy.database import Person
from privacy.remains import Known
from streamflix import fence
from streamflix.deadline import Deadline
from streamflix.postgres import Postgres
from streamflix.secrets import Secret
from tests import playback
from tests.integration.privacy.conftest import KEY, WRAPPED, Credentials

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.privacy.conftest import Stores

SIZES = (10_000, 100_000, 1_000_000)
SUBJECTS = 15
WATCHED = 5_000
STORE_MS = 150.0
GROWTH = 1.2

EVENTS = 5_000
ROUNDS = 31
TOMBSTONES = 10_000
SHARE = 1.05

FILL = """
INSERT INTO app.account (account_id, email, country)
SELECT gen_random_uuid(), 'bench-' || n || '@viewer.example', 'DE'
  FROM generate_series(%(first)s, %(last)s) AS n;
INSERT INTO app.profile (account_id, name)
SELECT account_id, 'p' FROM app.account WHERE NOT EXISTS
       (SELECT FROM app.profile WHERE profile.account_id = account.account_id);
INSERT INTO app.watch_history
SELECT profile_id, gen_random_uuid(), 'title-1', now(), 60, 60, 'tv'
  FROM app.profile AS p WHERE NOT EXISTS
       (SELECT FROM app.watch_history AS w WHERE w.profile_id = p.profile_id)
"""


def test_one_subject_costs_the_same_among_ten_thousand_and_a_million(
    stores: Stores, results: Path
) -> None:
    medians: list[tuple[str, float]] = []
    filled = 0
    for size in SIZES:
        _fill(stores, filled, size)
        _log_in(stores, filled, size)
        filled = size
        took = [_erase_one(stores) for _ in range(SUBJECTS)]
        medians.append((f"{size:,} accounts", statistics.median(took) * 1000))

    (results / "privacy-erasure.svg").write_text(
        curve(f"Erase and verify one person with {WATCHED:,} rows", "ms", medians, STORE_MS)
    )
    _write(results, "erasure", [(name, f"{ms:.0f} ms") for name, ms in medians])
    assert max(ms for _, ms in medians) <= STORE_MS
    assert medians[-1][1] <= GROWTH * medians[0][1]


def _fill(stores: Stores, first: int, last: int, fill: str = FILL) -> None:
    with stores.database.connection() as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE app_owner")
            for start in range(first + 1, last, 50_000):
                chunk = {"first": start, "last": min(start + 49_999, last)}
                cursor.execute(fill, chunk)
            for table in ("account", "profile", "device", "watch_history"):
                cursor.execute(f"VACUUM ANALYZE app.{table}")


def _log_in(stores: Stores, first: int, last: int) -> None:
    """A session for every tenth."""
    pipeline = stores.cluster.pipeline()
    for number in range(first // 10, last // 10):
        account = uuid.UUID(int=number)
        pipeline.set(f"session:{{{account}}}:one", "x", ex=3600)
        if number % 5_000 == 0:
            pipeline.execute()
    pipeline.execute()


def _erase_one(stores: Stores) -> float:
    account, profile = uuid.uuid4(), uuid.uuid4()
    with stores.database.master("app_owner") as cursor:
        cursor.execute(
            "INSERT INTO app.account (account_id, email, country) VALUES (%s, %s, 'DE')",
            (str(account), f"{account}@viewer.example"),
        )
        cursor.execute(
            "INSERT INTO app.profile (profile_id, account_id, name) VALUES (%s, %s, 'p')",
            (str(profile), str(account)),
        )
        cursor.execute(
            "INSERT INTO app.watch_history SELECT %s, gen_random_uuid(), 'title-1',"
            " now() - n * interval '1 minute', 60, 60, 'tv' FROM generate_series(1, %s) AS n",
            (str(profile), WATCHED),
        )
    stores.cluster.set(f"session:{{{account}}}:one", "x", ex=3600)
    eraser, sessions, files, search = (
        stores.eraser(),
        stores.sessions(),
        stores.files(),
        stores.search(),
    )
    eraser.guard()  # a connection that is made is not the erasure's
    sessions.find(account)
    search.remains(Known(uuid.uuid4()), time.monotonic, time.sleep)

    began = time.monotonic()
    members = eraser.fence(Person(account), KEY, WRAPPED)
    effects = eraser.erase(uuid.uuid4(), Person(account), Deadline(time.monotonic() + 60, 60))
    sessions.erase(account)
    files.erase(account)
    remains = search.remains(Known(account, members), time.monotonic, time.sleep)
    took = time.monotonic() - began

    assert remains == {}
    assert sum(each.rows for each in effects) == WATCHED + 2
    for each in stores.opened:
        each.close()
    stores.opened.clear()
    return took


def test_a_restored_copy_of_a_million_accounts_waits_ten_seconds_at_most(
    stores: Stores, results: Path
) -> None:
    _fill(stores, 0, SIZES[-1], FILL + replay.DEVICES)
    told = replay.erased(stores)

    took, done = replay.replayed(stores, told, "first")
    again, same = replay.replayed(stores, told, "second")

    assert (done.accounts, done.tombstones) == (replay.ERASED, len(told))
    assert set(done.rows.values()) == {replay.ERASED, 0}
    assert same.accounts == 0
    _write(
        results,
        "replay",
        [
            (f"{replay.ERASED:,} accounts go", f"{took:.1f} s"),
            ("again, when they are gone", f"{again:.1f} s"),
        ],
    )
    assert took <= replay.SECONDS


class NoFence:
    """The consumer as it would be without anybody to leave out."""

    def refresh(self, *_: Any) -> None: ...

    def hold(self, *_: Any) -> bool:
        return False


@dataclass
class Consumer:
    store: Store
    cpu: list[float]

    def apply(self, batch: Batch) -> None:
        before = time.process_time()
        decoded = decode(batch.records)
        applied = self.store.apply(batch, decoded, lambda *_: None)
        self.cpu.append(time.process_time() - before)
        assert applied.ingested == EVENTS


def test_ten_thousand_tombstones_cost_the_consumer_next_to_nothing(
    stores: Stores, results: Path
) -> None:
    with stores.database.master("privacy_owner") as cursor:
        cursor.execute(
            "UPDATE privacy.fence SET epoch = 1, wrapped_key = %s", (psycopg2.Binary(WRAPPED),)
        )
        cursor.execute(
            "INSERT INTO privacy.tombstone (mark, epoch)"
            " SELECT decode(md5(n::text), 'hex'), 1 FROM generate_series(1, %s) AS n",
            (TOMBSTONES,),
        )
    login = stores.database.login("analytics")
    consumers = []
    for tombstones in (NoFence(), fence.Tombstones(lambda _: KEY)):
        postgres = Postgres(
            stores.book,
            "writer",
            Secret("analytics", client=Credentials(login.username, login.password)),
            application_name="bench",
            prepare=STAGING,
            ca_file=stores.servers.ca,
        )
        stores.opened.append(postgres)
        consumers.append(Consumer(Store(stores.book, postgres, tombstones), []))  # type: ignore[arg-type]
    gc.freeze()  # as the consumer does
    for number in range(ROUNDS + 2):
        for consumer in consumers if number % 2 else reversed(consumers):
            consumer.apply(_batch(number, id(consumer)))
    without, behind = (statistics.median(each.cpu[2:]) for each in consumers)

    per_event = [spent / EVENTS * 1e6 for spent in (without, behind)]
    _write(
        results,
        "fence",
        [
            ("without a fence", f"{per_event[0]:.2f} µs an event"),
            (f"{TOMBSTONES:,} tombstones", f"{per_event[1]:.2f} µs an event"),
            ("ratio", f"{behind / without:.3f}"),
        ],
    )
    assert behind / without <= SHARE


def _batch(number: int, owner: int) -> Batch:
    items = playback.events(EVENTS, seed=number)
    for each in items[::12]:
        each["type"] = "stop"
    shard = f"shardId-{owner % 10**12:012d}"
    return Batch.from_event(playback.batch(playback.packed(items, per=100, shard=shard)))


def _write(results: Path, name: str, rows: list[tuple[str, str]]) -> None:
    """Keep the figures and write the page anew."""
    path = results / "privacy.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    known[name] = rows
    path.write_text(json.dumps(known, indent=1) + "\n")
    tables = {each: "\n".join(f"| {a} | {b} |" for a, b in known.get(each, ())) for each in TABLES}
    (results / "privacy.md").write_text(PAGE.format(watched=WATCHED, **tables))


TABLES = ("erasure", "fence", "replay")
PAGE = """# Bench: privacy

Written by `make bench ROOM=privacy` on two shared cores: PostgreSQL with a synchronous reader and
fsync, Valkey in cluster mode.

## One person among many

Median time that an erasure and its verification wait for the stores, from the fence to the last
search, for a person with {watched:,} rows of history; every account has a row, every tenth a
session. Bars: 150 ms, and no more than a fifth longer among a million than among ten thousand.

| accounts | median |
|---|---:|
{erasure}

![the same as a curve](privacy-erasure.svg)

## The fence

CPU of the consumer for decoding and writing a batch, per event, when a twelfth of the events are
stops; medians of rounds that alternate. Bar: 5 % more.

| consumer | cost |
|---|---:|
{fence}

## A restored copy

Time from the call to the signed receipt, without what the ledger and KMS take, among a million
accounts with a profile, a device and a row of history each, and 10,000 tombstones: they are put,
every account is marked and looked up, who is found goes, all personal tables are analysed, and
every account, profile and device is marked once more. Bar: 10 s.

| replay | time |
|---|---:|
{replay}
"""
