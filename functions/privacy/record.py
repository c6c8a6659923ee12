"""A request in the ledger, and the items of DynamoDB that hold it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from privacy import audit, states

if TYPE_CHECKING:
    from collections.abc import Mapping

    from privacy.states import State

Item = dict[str, Any]

_TEXTS = (
    "last_hash",
    "body_sha256",
    "received_at",
    "expected_at",
    "controller",
    "verified_by",
    "fence_at",
    "settled_at",
    "verified_at",
    "reason",
    "subject",
)


class Erasure(NamedTuple):
    """What a replay needs of a request that was fenced; `marks` are its tombstones."""

    request: UUID
    state: State
    subject: str
    marks: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """A request as the ledger knows it; who it is about is sealed."""

    request: UUID
    state: State
    version: int
    """How many events the request has; the next one gets this number plus one."""
    last_hash: str
    body_sha256: str
    received_at: str
    expected_at: str
    controller: str
    verified_by: str
    sealed: bytes = field(repr=False)
    locks: tuple[str, ...] = ()
    """The items that keep other requests about the same person out."""
    callback_urls: tuple[str, ...] = ()
    fence_at: str = ""
    settled_at: str = ""
    """When whoever began before the fence has ended."""
    verified_at: str = ""
    """When nothing was found any more; emptied by whoever erases again."""
    reason: str = ""
    subject: str = ""
    execution: int = 0
    """How often a workflow was started for it."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Of what is gone once it was counted, by store: counted before it went, and once."""
    marks: tuple[bytes, ...] = field(repr=False, default=())
    """Its tombstones, for a restored copy that has lost them."""

    @property
    def status(self) -> str:
        return states.STATUS[self.state]


def instant(moment: datetime) -> str:
    """As OpenDSR writes it: RFC 3339, UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def state_item(record: Record) -> Item:
    item: Item = {
        "id": {"S": f"request#{record.request}"},
        "what": {"S": "state"},
        "state": {"S": record.state},
        "version": {"N": str(record.version)},
        "execution": {"N": str(record.execution)},
        "counts": {"M": {store: {"N": str(n)} for store, n in record.counts.items()}},
    }
    if record.sealed:
        item["sealed"] = {"B": record.sealed}
    for name in _TEXTS:
        if value := getattr(record, name):
            item[name] = {"S": value}
    for name in ("locks", "callback_urls"):
        if values := getattr(record, name):
            item[name] = {"SS": sorted(values)}
    if record.marks:
        item["marks"] = {"BS": sorted(record.marks)}
    if states.is_open(record.state):
        item["open"] = {"S": "yes"}  # the index holds nothing else
    return item


def from_item(item: Item) -> Record:
    texts = {name: item[name]["S"] if name in item else "" for name in _TEXTS}
    return Record(
        request=_request(item),
        state=item["state"]["S"],
        version=int(item["version"]["N"]),
        execution=int(item["execution"]["N"]),
        counts={store: int(n["N"]) for store, n in item["counts"]["M"].items()},
        sealed=bytes(item.get("sealed", {}).get("B", b"")),
        locks=tuple(sorted(item.get("locks", {}).get("SS", ()))),
        callback_urls=tuple(sorted(item.get("callback_urls", {}).get("SS", ()))),
        marks=_marks(item),
        **texts,
    )


def erasure_from(item: Item) -> Erasure:
    subject = item.get("subject", {}).get("S", "")
    return Erasure(_request(item), item["state"]["S"], subject, _marks(item))


def _request(item: Item) -> UUID:
    return UUID(item["id"]["S"].partition("#")[2])


def _marks(item: Item) -> tuple[bytes, ...]:
    return tuple(sorted(bytes(mark) for mark in item.get("marks", {}).get("BS", ())))


def event_item(request: UUID, event: audit.Event) -> Item:
    return {
        "id": {"S": f"request#{request}"},
        "what": {"S": f"event#{event['sequence']:06d}"},
        "event": {"S": audit.canonical(event).decode()},
    }


def lock_item(lock: str, request: UUID) -> Item:
    return {"id": {"S": lock}, "what": {"S": "open"}, "request": {"S": str(request)}}
