"""Restores on record: what a drill measured, what a cutover did."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from recovery.errors import NotConfirmed
from recovery.incident import stamp

if TYPE_CHECKING:
    from recovery.table import Table

# Auditors ask for a year.
KEPT_SECONDS = 400 * 86_400


@dataclass(frozen=True, slots=True)
class Restore:
    """One run of the workflow. Moments are seconds since 1970, UTC."""

    run: str
    mode: str
    started_at: float
    copy: str
    """The restored cluster's name."""
    target_at: float | None = None
    """Nothing means as late as possible."""
    outcome: str = ""
    """passed or failed; empty while it runs."""
    reason: str = ""
    rto_seconds: float | None = None
    rpo_seconds: float | None = None
    accounts: int | None = None
    accounts_erased: int | None = None
    schema_version: int | None = None
    ended_at: float | None = None

    @property
    def objective_at(self) -> float:
        """The moment that the copy should show: what is missing until then is lost."""
        return self.started_at if self.target_at is None else self.target_at


class Restores:
    """Raises and repeats as the table does."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def of(self, run: str) -> Restore | None:
        record = self._table.get("restore", run)
        return _made(record) if record else None

    def known(self, run: str) -> Restore:
        """Raises: `NotConfirmed` when nothing was begun under this name."""
        restore = self.of(run)
        if restore is None:
            raise NotConfirmed(f"no restore was begun under {run}")
        return restore

    def begin(self, restore: Restore) -> Restore:
        """Put it unless it is there; return the one that stays."""
        self._put(restore, stage=0)
        return self.known(restore.run)

    def end(self, restore: Restore, **changes: Any) -> Restore:
        """Put how it ended, once; return the end that stays."""
        self._put(replace(restore, **changes), stage=1)
        return self.known(restore.run)

    def all(self) -> list[Restore]:
        return [_made(record) for record in self._table.since("restore", " ")]

    def _put(self, restore: Restore, stage: int) -> None:
        shown = {
            "target_time": stamp(restore.objective_at),
            "ended": stamp(restore.ended_at) if restore.ended_at else "",
        }
        record = asdict(restore) | {"shown": shown}
        self._table.put("restore", restore.run, record, kept_seconds=KEPT_SECONDS, stage=stage)


def _made(record: dict[str, Any]) -> Restore:
    return Restore(**{key: value for key, value in record.items() if key != "shown"})
