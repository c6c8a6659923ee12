"""An incident: what the write probe lived through, and what AWS said about it. Pure.

All moments are seconds since 1970, UTC, of the probe's clock; those of AWS's events are AWS's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# AWS's events may bear a time before the first failed write, and come late.
BEFORE_SECONDS = 90.0
AFTER_SECONDS = 90.0
# "Completed failover to DB instance"; of a cluster and of one of its instances.
PROMOTIONS = frozenset({"RDS-EVENT-0071", "RDS-EVENT-0049"})
CUTOVER = "cutover"
"""A service of our own: it takes the database away on purpose, and AWS has no word for that."""
FIRST = (CUTOVER, "rds")
"""Who is believed before others: the incident is about writes to the database."""
UNNAMED = "no event of AWS names a cause"


@dataclass(frozen=True, slots=True)
class Witness:
    """An event of AWS: names of resources and numbers of events, nothing personal."""

    at: float
    service: str
    subject: str
    number: str
    """The service's number or name for this kind of event."""
    message: str

    @property
    def words(self) -> str:
        return f"{self.service} {self.subject}: {self.message}"


@dataclass(frozen=True, slots=True)
class Incident:
    """`started_at` is the last write that was acknowledged: from then on nobody could be sure."""

    started_at: float
    detected_at: float
    reason: str
    """The class of the first error, or what made it an incident at all."""
    first_write_at: float | None = None
    lost_beats: int = 0
    promoted_at: float | None = None
    recovered_at: float | None = None
    cause: str = ""

    @property
    def name(self) -> str:
        return stamp(self.started_at)

    @property
    def recovery_seconds(self) -> float | None:
        """From the last write before to the first one after: what an application waits."""
        if self.first_write_at is None:
            return None
        return self.first_write_at - self.started_at

    @property
    def is_over(self) -> bool:
        return self.recovered_at is not None


def concluded(incident: Incident, witnesses: Iterable[Witness], now: float) -> Incident:
    """The incident with its cause and its end: everything that was watched is well again."""
    said = sorted(around(incident, witnesses), key=_rank)
    promotions = [witness.at for witness in said if witness.number in PROMOTIONS]
    if said and said[0].service == CUTOVER:
        promotions = []  # of the adoption: writes went through before it
    return replace(
        incident,
        recovered_at=now,
        promoted_at=promotions[0] if promotions else None,
        cause=said[0].words if said else UNNAMED,
    )


def _rank(witness: Witness) -> int:
    return FIRST.index(witness.service) if witness.service in FIRST else len(FIRST)


def around(incident: Incident, witnesses: Iterable[Witness]) -> list[Witness]:
    """What AWS said from shortly before it began until shortly after writes went through; as long
    as they fail, everything that it says is about that."""
    begin = incident.started_at - BEFORE_SECONDS
    end = math.inf if incident.first_write_at is None else incident.first_write_at + AFTER_SECONDS
    return sorted(
        (witness for witness in witnesses if begin <= witness.at <= end),
        key=lambda witness: witness.at,
    )


def unfelt(witnesses: Iterable[Witness], known: Sequence[Incident]) -> list[Incident]:
    """Failovers that were over between two beats: AWS tells of them, the probe felt nothing."""
    told: list[Incident] = []
    for witness in sorted(witnesses, key=lambda each: each.at):
        if witness.number not in PROMOTIONS:
            continue
        if any(witness in around(incident, [witness]) for incident in (*known, *told)):
            continue
        told.append(
            Incident(
                started_at=witness.at,
                detected_at=witness.at,
                reason="no write failed",
                first_write_at=witness.at,
            )
        )
    return told


def report(incident: Incident, rto_seconds: int) -> str:
    """What a person on call reads, once it is over."""
    took = incident.recovery_seconds or 0.0
    held = "kept" if took <= rto_seconds else "BROKEN"
    promoted = f"promoted {stamp(incident.promoted_at)}; " if incident.promoted_at else ""
    return (
        f"Writes failed for {took:.1f} s (objective {rto_seconds} s: {held}).\n"
        f"Acknowledged beats lost: {incident.lost_beats}.\n"
        f"Cause: {incident.cause}.\n"
        f"Last write before {stamp(incident.started_at)}; first failure seen "
        f"{stamp(incident.detected_at)}; {promoted}"
        f"first write after {stamp(incident.first_write_at or 0.0)}; "
        f"all well {stamp(incident.recovered_at or 0.0)}.\n"
        "Nothing is left to do for this one: runbook docs/runbooks/database-writes-failing.md "
        "says what to look at afterwards."
    )


def stamp(moment: float) -> str:
    """RFC 3339, UTC, to the millisecond; sorts as the moments do."""
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
