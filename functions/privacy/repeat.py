"""Repeats every erasure in a restored copy of the database.

A restore brings back whoever was erased after its point in time. The ledger, which lies outside of
the database, has the tombstones of everybody who was ever fenced; all of them are put and acted on
again, whatever the copy already knows. Nobody's clock is asked which erasures came after the point
in time: a replay of all of them has no such question.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from privacy import package, receipt, states
from privacy.database import TOMBSTONE_DAYS
from privacy.errors import MovedMeanwhile, ReplayIncomplete, TargetTooOld
from privacy.record import instant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from privacy.data_map import DataMap
    from privacy.database import Effect
    from privacy.ledger import Ledger
    from privacy.receipt import Signer
    from privacy.record import Erasure
    from privacy.restored import Found, Restored
    from privacy.subjects import Subjects
    from streamflix.addresses import Address
    from streamflix.deadline import Deadline

Mode = Literal["drill", "cutover"]

# Steps of a workflow that is cut off from its database can move a request meanwhile; few do.
LOOKS = 5


@dataclass(frozen=True, slots=True)
class Restore:
    """Which copy this is. `run` names it, and its receipt in the ledger."""

    run: str
    address: Address
    target: datetime
    mode: Mode

    @property
    def request(self) -> UUID:
        """What its rows are counted under, where requests are counted."""
        return uuid5(NAMESPACE_URL, f"streamflix:restore:{self.run}")


@dataclass(frozen=True, slots=True)
class Doors:
    """What lies outside of this process."""

    ledger: Ledger
    subjects: Subjects
    signer: Signer
    data_map: DataMap
    open_copy: Callable[[Address], Restored]
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the copy has lost; of a replay that was interrupted and repeated, all of it."""

    receipt_sha256: str
    tombstones: int
    accounts: int
    rows: Mapping[str, int]


def run(restore: Restore, doors: Doors, deadline: Deadline) -> Outcome:
    """Repeat all erasures, verify, and put a signed receipt on record; then open requests go back.

    Raises: `TargetTooOld`, `LedgerUnreachable`, `DataMapDrifted` before anything is written;
    `ReplayIncomplete`, `OutOfTime`, and what the stores raise. Whatever it raises, the copy must
    stay without logins. Safe to repeat.
    """
    age = doors.now() - restore.target
    if age > timedelta(days=TOMBSTONE_DAYS):
        raise TargetTooOld(f"{age.days} days; tombstones live {TOMBSTONE_DAYS}")
    erasures = doors.ledger.erasures()
    copy = doors.open_copy(restore.address)
    try:
        copy.eraser.guard()
        if erasures:
            _repeat(erasures, restore, copy, doors, deadline)
        verified_at = instant(doors.now())
        if restore.mode == "cutover":
            for each in erasures:
                if each.state in states.REPLAYED:
                    _send_back(each.request, restore.run, doors.ledger)
        effects, version = copy.eraser.erased(restore.request), copy.eraser.version()
    finally:
        copy.close()
    return _on_record(restore, erasures, effects, doors, verified_at, version)


def _repeat(
    erasures: Sequence[Erasure],
    restore: Restore,
    copy: Restored,
    doors: Doors,
    deadline: Deadline,
) -> None:
    by_mark = {mark: each for each in erasures for mark in each.marks}
    # Who was fenced and not marked yet is marked and erased by the workflow: until then, shut.
    waiting = {each.subject for each in erasures if each.subject and not each.marks}
    key, wrapped = doors.subjects.key, doors.subjects.wrapped
    copy.eraser.fence_again(sorted(by_mark), wrapped)
    found = copy.find(key, by_mark.keys(), waiting)
    accounts = [account for account, _ in found.erased]
    copy.shut([*accounts, *found.waiting])
    members = copy.eraser.members(accounts)
    for requests, whose in _by_request(found, by_mark, restore).items():
        copy.eraser.erase_again(requests, whose, deadline)
    copy.forget()
    if left := copy.remains(key, by_mark.keys(), members):
        raise ReplayIncomplete(", ".join(f"{place} {count}" for place, count in left.items()))


def _by_request(
    found: Found, by_mark: Mapping[bytes, Erasure], restore: Restore
) -> dict[tuple[UUID, ...], list[UUID]]:
    """Whose rows are counted where: those of an open request under it as well, because its own
    receipt is not written yet."""
    grouped: dict[tuple[UUID, ...], list[UUID]] = defaultdict(list)
    for account, mark in found.erased:
        whose = by_mark[mark]
        own = (whose.request,) if states.is_open(whose.state) else ()
        grouped[restore.request, *own].append(account)
    return grouped


def _send_back(request: UUID, run: str, ledger: Ledger) -> None:
    """Raises: `MovedMeanwhile`."""
    for left in reversed(range(LOOKS)):
        record = ledger.read(request)
        if record.state not in states.REPLAYED:
            return
        try:
            ledger.send_back(record, run)
        except MovedMeanwhile:
            if not left:
                raise
        else:
            return


def _on_record(
    restore: Restore,
    erasures: Sequence[Erasure],
    effects: Sequence[Effect],
    doors: Doors,
    verified_at: str,
    version: int,
) -> Outcome:
    rows = {each.relation: each.rows for each in effects}
    counts = {
        "requests": len(erasures),
        "requests_open": sum(states.is_open(each.state) for each in erasures),
        "tombstones": len({mark for each in erasures for mark in each.marks}),
        "accounts": rows.get(doors.data_map.root, 0),
    }
    content = receipt.write_replay(
        {"restore": restore.run, "mode": restore.mode, "target_time": instant(restore.target)},
        counts,
        effects,
        doors.data_map,
        verified_at=verified_at,
        schema_version=version,
        code_sha256=package.sha256(),
    )
    kept = doors.ledger.put_replay(restore.run, receipt.sign(content, doors.signer))
    return Outcome(
        receipt_sha256=hashlib.sha256(kept.encode()).hexdigest(),
        tombstones=counts["tombstones"],
        accounts=counts["accounts"],
        rows={table: rows.get(table, 0) for table in doors.data_map.personal},
    )
