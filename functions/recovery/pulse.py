"""What the write probe knows from one beat to the next. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from recovery.incident import Incident


@dataclass(frozen=True, slots=True)
class Beat:
    """A write that the database acknowledged: its number, and when it was, by both clocks."""

    number: int
    at: float
    """Seconds since 1970 by the probe's clock, once the answer was there."""
    written_at: float
    """The same by the database's clock."""


@dataclass(slots=True)
class Pulse:
    """Beats come in; what leaves is the beginning of an incident, and its end."""

    last_at: float | None = None
    last_number: int = 0
    incident: Incident | None = None
    """The one in which writes fail right now."""
    acknowledged: int = field(default=0, compare=False)
    refused: int = field(default=0, compare=False)

    def learn(self, other: Pulse) -> None:
        """Take over what another probe knew: its beats, when they are later, and its incident."""
        if other.last_at is not None and other.last_at > (self.last_at or 0.0):
            self.last_at = other.last_at
        self.last_number = max(self.last_number, other.last_number)
        self.incident = self.incident or other.incident

    def fail(self, at: float, reason: str) -> Incident | None:
        """A write was not acknowledged. Returns the incident that begins with it."""
        self.refused += 1
        if self.incident is not None:
            return None
        began = at if self.last_at is None else self.last_at
        self.incident = Incident(started_at=began, detected_at=at, reason=reason)
        return self.incident

    def succeed(self, beat: Beat) -> Incident | None:
        """A write was acknowledged. Returns the incident that ends with it.

        The row counts each write: when the last number known is not below this one, whatever lies
        between was acknowledged and is gone.
        """
        self.acknowledged += 1
        lost = max(0, self.last_number + 1 - beat.number)
        incident, self.incident = self.incident, None
        if incident is None and lost:  # a failover between two beats
            began = beat.at if self.last_at is None else self.last_at
            incident = Incident(began, beat.at, "acknowledged writes are gone")
        self.last_at, self.last_number = beat.at, beat.number
        if incident is None:
            return None
        return Incident(
            incident.started_at,
            incident.detected_at,
            incident.reason,
            first_write_at=beat.at,
            lost_beats=lost,
        )
