"""The steps of an erasure, one per state of the workflow.

Each looks at the ledger first, does what is left of its work, and moves the request. Killed at any
point and run again, a step ends where it would have ended; a step that was done does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from privacy import package, receipt
from privacy.database import Person
from privacy.errors import (
    AlreadyOpen,
    IdentityMismatch,
    KeyDestroyed,
    OutOfOrder,
    RemainsPersist,
    SentBack,
)
from privacy.identity import account_of
from privacy.record import instant
from privacy.remains import Known
from privacy.seal import Dossier
from privacy.states import is_open
from streamflix import fence as tombstones

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from privacy.data_map import DataMap
    from privacy.database import Database
    from privacy.files import Files
    from privacy.ledger import Ledger
    from privacy.receipt import Signer
    from privacy.record import Record
    from privacy.remains import Search
    from privacy.seal import Seals
    from privacy.sessions import Sessions
    from privacy.subjects import Subjects
    from streamflix.deadline import Deadline

# How often a request may go back to erasing before a person must look.
VERIFICATIONS = 5
# Requests of the service that began before the fence may still write sessions and files, which no
# database refuses: the eraser waits for the longest of them. Not longer than the grace period, so
# that an environment without one has no pause.
SETTLE = timedelta(minutes=1)


class Teller(Protocol):
    """Who hears of moves: the ops bus, and whoever asked to be called back."""

    def moved(self, record: Record) -> None: ...

    def failed(self, record: Record, error: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Doors:
    """What lies outside of this process."""

    ledger: Ledger
    seals: Seals
    subjects: Subjects
    database: Database
    sessions: Sessions
    files: Files
    search: Search
    signer: Signer
    teller: Teller
    data_map: DataMap
    grace: timedelta
    backups_kept: timedelta
    now: Callable[[], datetime]
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    rest: Callable[[], None]
    """Close what an idle process must not hold: the login has few connections."""


def run(step: str, request: UUID, doors: Doors, deadline: Deadline) -> Record:
    """Run one step. Raises: `SentBack`, `OutOfOrder`, and what the stores raise."""
    act, before, at = STEPS[step]
    record = doors.ledger.read(request)
    if record.state in at:
        try:
            return act(record, doors, deadline)  # type: ignore[no-any-return]
        except KeyDestroyed:
            record = doors.ledger.read(request)
            if is_open(record.state):
                raise
    elif record.state in before:
        error = SentBack if record.state == "fenced" else OutOfOrder
        raise error(f"{step}: the request is {record.state}")
    return record


def cancel(record: Record, doors: Doors, reason: str) -> Record:
    """Close a request that is not fenced yet. Raises: `IllegalMove`, `MovedMeanwhile`."""
    return doors.ledger.move(record, "cancelled", {"reason": reason}, reason=reason, sealed=b"")


def verify_identity(record: Record, doors: Doors, _: Deadline) -> Record:
    """Find the account, and keep other requests about it out; then the grace period begins."""
    dossier = doors.seals.unseal(record.request, record.sealed)
    try:
        account = account_of(dossier.identities, doors.database.find(dossier.identities))
    except IdentityMismatch:
        return cancel(record, doors, "identity_mismatch")
    subject = doors.subjects.subject(account) if account else ""
    sealed = doors.seals.seal(record.request, Dossier(dossier.identities, account))
    try:
        record = doors.ledger.move(
            record,
            "verified",
            locks=[f"subject#{subject}"] if subject else [],
            subject=subject,
            sealed=sealed,
            fence_at=instant(doors.now() + doors.grace),
        )
    except AlreadyOpen:
        return cancel(record, doors, "duplicate")
    return record


def fence(record: Record, doors: Doors, _: Deadline) -> Record:
    """From here on nobody writes about the person, and nobody can cancel.

    The ledger moves first: of a cancellation and a fence at the same moment one wins there.
    """
    if record.state == "verified":
        doors.database.guard()
        record = doors.ledger.move(record, "fenced")
    doors.teller.moved(record)  # again after a crash: who is told twice sees the same number
    dossier = doors.seals.unseal(record.request, record.sealed)
    if dossier.account is None:
        return doors.ledger.move(record, "erasing", settled_at=instant(doors.now()))
    key = doors.subjects.key
    person, wrapped = Person(dossier.account), doors.subjects.wrapped
    members = doors.database.fence(person, key, wrapped, dossier.members)
    record = _count_once(record, doors, "redis", len(doors.sessions.find(dossier.account)))
    doors.sessions.erase(dossier.account)
    known = Dossier(dossier.identities, dossier.account, tuple(members))
    return doors.ledger.move(
        record,
        "erasing",
        settled_at=instant(doors.now() + min(SETTLE, doors.grace)),
        sealed=doors.seals.seal(record.request, known),
        marks=tuple(tombstones.mark(key, each) for each in {*members, dossier.account}),
    )


def erase_database(record: Record, doors: Doors, deadline: Deadline) -> Record:
    """Take the rows away."""
    if account := doors.seals.unseal(record.request, record.sealed).account:
        doors.database.erase(record.request, Person(account), deadline)
    return record


def erase_sessions(record: Record, doors: Doors, _: Deadline) -> Record:
    """Take away what was written into Redis after the fence, by whoever does not look at it."""
    if account := doors.seals.unseal(record.request, record.sealed).account:
        late = len(doors.sessions.find(account))
        if late:
            record = _count_once(record, doors, "redis_late", late)
        doors.sessions.erase(account)
    return record


def erase_files(record: Record, doors: Doors, _: Deadline) -> Record:
    """Take the files away; then everything is to be verified."""
    if account := doors.seals.unseal(record.request, record.sealed).account:
        record = _count_once(record, doors, "files", doors.files.count(account))
        doors.files.erase(account)
    return doors.ledger.move(record, "verifying")


def verify(record: Record, doors: Doors, _: Deadline) -> Record:
    """Look for the person everywhere; back to erasing when something is found.

    Raises: `RemainsPersist`.
    """
    if record.verified_at:
        return record
    dossier = doors.seals.unseal(record.request, record.sealed)
    remains: Mapping[str, int] = {}
    if dossier.account:
        known = Known(dossier.account, dossier.members)
        remains = doors.search.remains(known, doors.clock, doors.sleep)
    if not remains:
        return doors.ledger.note(
            record, "nothing_found", {"remains": 0}, verified_at=instant(doors.now())
        )
    tries = _tries(doors.ledger.events(record.request))
    record = doors.ledger.move(record, "erasing", dict(remains))
    if tries >= VERIFICATIONS:
        raise RemainsPersist(", ".join(remains))
    return record


def _tries(events: Sequence[Mapping[str, Any]]) -> int:
    """How often it was erased since somebody last looked at a failure, or a restore undid it."""
    tries = 0
    for each in events:
        begins_anew = each["what"] in {"failed", "replayed"}
        tries = 0 if begins_anew else tries + (each["what"] == "erasing")
    return tries


def complete(record: Record, doors: Doors, _: Deadline) -> Record:
    """Sign the receipt, and say that it is done."""
    if not record.verified_at:
        raise OutOfOrder("nobody has verified that nothing is left")
    now = doors.now()
    content = receipt.write(
        record,
        doors.database.erased(record.request),
        doors.data_map,
        completed_at=instant(now),
        backups_expire_on=_day(now + doors.backups_kept).isoformat(),
        code_sha256=package.sha256(),
    )
    doors.ledger.put_receipt(record.request, receipt.sign(content, doors.signer))
    return doors.ledger.move(record, "completed", sealed=b"")


def close(record: Record, doors: Doors, _: Deadline | None = None) -> Record:
    """Destroy the key of the identities of a request that is done, and tell who wants to know."""
    doors.seals.destroy(record.request)
    doors.teller.moved(record)
    return record


def fail(record: Record, doors: Doors, error: str) -> None:
    """Put on record that the workflow gave up; it goes on where it was when it is started again."""
    doors.ledger.note(record, "failed", {"error": error})
    doors.teller.failed(record, error)


def duration_ms(record: Record, doors: Doors) -> int:
    """From the fence to the receipt, as the history tells: to the second."""
    at = {each["what"]: each["at"] for each in doors.ledger.events(record.request)}
    begun, done = (datetime.fromisoformat(at[what]) for what in ("fenced", "completed"))
    return round((done - begun).total_seconds() * 1000)


def _count_once(record: Record, doors: Doors, store: str, count: int) -> Record:
    """Put a count on record before what it counts goes; the first one stays."""
    if store in record.counts:
        return record
    return doors.ledger.note(
        record, f"counted_{store}", {"count": count}, counts={**record.counts, store: count}
    )


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


# What a step does, the states in which it is too early, and those in which it has work. In any
# other state its work is done.
STEPS: Mapping[str, tuple[Any, tuple[str, ...], tuple[str, ...]]] = {
    "verify_identity": (verify_identity, (), ("received",)),
    "fence": (fence, ("received",), ("verified", "fenced")),
    "erase_database": (erase_database, ("received", "verified", "fenced"), ("erasing",)),
    "erase_sessions": (erase_sessions, ("received", "verified", "fenced"), ("erasing",)),
    "erase_files": (erase_files, ("received", "verified", "fenced"), ("erasing",)),
    "verify": (verify, ("received", "verified", "fenced", "erasing"), ("verifying",)),
    "complete": (complete, ("received", "verified", "fenced", "erasing"), ("verifying",)),
    "close": (
        close,
        ("received", "verified", "fenced", "erasing", "verifying"),
        ("completed", "cancelled"),
    ),
}
