"""Incidents on record, and what they are joined from."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from recovery.incident import Incident, Witness, stamp
from recovery.pulse import Pulse
from recovery.restores import Restores

if TYPE_CHECKING:
    from recovery.table import Table

# Auditors ask for a year.
KEPT_SECONDS = 400 * 86_400
WITNESS_SECONDS = 7 * 86_400
# Who has not been watching for so long does not know when writes began to fail.
UNWATCHED_SECONDS = 150.0

PROBE = ("state", "probe")
MONITOR = ("state", "monitor")


class Incidents:
    """Raises and repeats as the table does."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def pulse(self) -> Pulse:
        """What the last probe knew when it ended."""
        known = self._table.get(*PROBE)
        if known is None:
            return Pulse()
        incident = self._table.get("incident", known["incident"]) if known["incident"] else None
        failing = Incident(**incident) if incident else None
        if failing and failing.first_write_at is not None:
            failing = None  # a probe beside that one has seen its end
        watched = known["last_at"] > self._table.clock() - UNWATCHED_SECONDS
        last_at = known["last_at"] if watched or failing else None
        return Pulse(last_at, known["last_number"], failing)

    def keep(self, pulse: Pulse) -> None:
        """Leave to the next probe what this one knows."""
        incident = pulse.incident.name if pulse.incident else ""
        known = {"last_at": pulse.last_at or 0.0, "last_number": pulse.last_number}
        self._table.put(*PROBE, known | {"incident": incident})

    def record(self, incident: Incident) -> bool:
        """Put an incident, or more about it. False when it is on record as that far already."""
        stage = (incident.first_write_at is not None) + incident.is_over
        return self._table.put(
            "incident", incident.name, asdict(incident), kept_seconds=KEPT_SECONDS, stage=stage
        )

    def recent(self, since: float) -> list[Incident]:
        """Those that began since then, the oldest first."""
        return [Incident(**record) for record in self._table.since("incident", stamp(since))]

    def witness(self, witness: Witness) -> None:
        """Put an event of AWS. One that arrives twice is one."""
        at = f"{stamp(witness.at)}#{witness.number}#{witness.subject}"
        self._table.put("witness", at, asdict(witness), kept_seconds=WITNESS_SECONDS)

    def witnesses(self, since: float) -> list[Witness]:
        """What AWS said since then, and which cutovers took the database away."""
        said = [Witness(**record) for record in self._table.since("witness", stamp(since))]
        return [*said, *Restores(self._table).witnesses(since)]

    def breached(self) -> list[str]:
        """What the monitor found breached when it last looked."""
        return list((self._table.get(*MONITOR) or {}).get("breached", []))

    def keep_breached(self, breached: list[str]) -> None:
        looked_at = stamp(self._table.clock())
        self._table.put(*MONITOR, {"breached": breached, "looked_at": looked_at})
