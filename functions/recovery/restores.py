"""Restores on record: what a drill measured, what a cutover did."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from recovery.errors import CopyIncomplete, NotConfirmed, Overtaken, TakenBack
from recovery.incident import CUTOVER, Witness, stamp

if TYPE_CHECKING:
    from recovery.table import Table

# Auditors ask for a year.
KEPT_SECONDS = 400 * 86_400

# How far a run is on record; nobody puts an earlier stage over a later one.
BEGUN, FENCED, TURNED, ENDED, COMPLETE, ADOPTED = 0, 1, 2, 7, 8, 9


@dataclass(frozen=True, slots=True)
class Restore:
    """One run of the workflow. Moments are seconds since 1970, UTC."""

    run: str
    mode: str
    started_at: float
    copy: str
    """The restored cluster's name, until it is adopted."""
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
    replaced: str = ""
    """Resource id of the cluster that a cutover replaces; what follows is a cutover's as well."""
    replacement: str = ""
    """Resource id of the copy."""
    groups: tuple[str, ...] = ()
    """Security groups of the cluster that it replaces."""
    protected: bool = False
    """Whether that cluster is kept from being deleted."""
    epoch: int | None = None
    """The life that the copy begins."""
    fenced_at: float | None = None
    fenced: bool = True
    """Whether the database that it replaces answered, and put everybody out."""
    turned_at: float | None = None
    """From here on there is no way back: the address book leads to the copy."""
    complete_at: float | None = None
    """The application writes since its end; here events are counted and readers are there, too."""
    adopted_at: float | None = None

    @property
    def objective_at(self) -> float:
        """The moment that the copy should show: what is missing until then is lost."""
        return self.started_at if self.target_at is None else self.target_at

    def missing(self, beaten_at: float) -> float:
        """Seconds of writing that a copy lacks whose last heartbeat is of that moment."""
        return round(max(0.0, self.objective_at - beaten_at), 3)

    def aside_name(self, source: str) -> str:
        """What the replaced cluster is called when its names are the copy's."""
        return source + self.copy.removeprefix(source).replace("-r", "-q", 1)

    @property
    def stage(self) -> int:
        """How far it is on record."""
        if self.adopted_at is not None:
            return ADOPTED
        if self.complete_at is not None:
            return COMPLETE
        if self.outcome:
            return ENDED
        if self.turned_at is not None:
            return TURNED
        return BEGUN if self.fenced_at is None else FENCED

    @property
    def waits_for_adoption(self) -> bool:
        return self.turned_at is not None and self.adopted_at is None


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
        return self.advance(restore, BEGUN)

    def end(self, restore: Restore, **changes: Any) -> Restore:
        """Put how it ended, once; return the end that stays."""
        return self.advance(restore, ENDED, **changes)

    def advance(self, restore: Restore, stage: int, **changes: Any) -> Restore:
        """Put it at a stage unless it is there, or beyond, or beyond what the caller knows of:
        two executions of one run must not undo what the other has put. Returns the one that stays.
        """
        ended = replace(restore, **changes)
        shown = {
            "target_time": stamp(ended.objective_at),
            "ended": stamp(ended.ended_at) if ended.ended_at else "",
        }
        record = asdict(ended) | {"shown": shown}
        self._table.put(
            "restore", ended.run, record, kept_seconds=KEPT_SECONDS, stage=stage, seen=restore.stage
        )
        return self.known(ended.run)

    def all(self) -> list[Restore]:
        return [_made(record) for record in self._table.since("restore", " ")]

    def witnesses(self, since: float) -> list[Witness]:
        """Cutovers that took the database away since then."""
        return [
            Witness(each.fenced_at, CUTOVER, each.run, each.mode, "the database was fenced")
            for each in self.all()
            if each.fenced_at is not None and each.fenced_at >= since
        ]

    def unadopted(self) -> Restore | None:
        """The cutover that has not become the stack's own yet."""
        return next((each for each in self.all() if each.waits_for_adoption), None)


def refuse_shrunk(accounts: int, restores: Restores) -> None:
    """A copy that is whole and empty is not what anybody wants back. Raises: `CopyIncomplete`."""
    passed = [each for each in restores.all() if each.outcome == "passed"]
    last = max(passed, key=lambda each: each.ended_at or 0.0, default=None)
    before = (last.accounts or 0) - (last.accounts_erased or 0) if last else 0
    if accounts < before / 2:
        raise CopyIncomplete(f"{accounts} accounts; the drill before had {before}")


def refuse_failed(restore: Restore) -> None:
    """What failed is taken back: an execution that knew nothing of it must not go on with it.
    Raises: `TakenBack`."""
    if restore.outcome == "failed":
        raise TakenBack(restore.run)


def refuse_turned(restore: Restore) -> None:
    """An execution that slept while another one went on finds the copy in service: what it would do
    to a copy, or to the cluster that is replaced, it must not do to that. Raises: `Overtaken`."""
    if restore.turned_at is not None:
        raise Overtaken(restore.run)


def _made(record: dict[str, Any]) -> Restore:
    kept = {key: value for key, value in record.items() if key != "shown"}
    return Restore(**kept | {"groups": tuple(kept.get("groups", ()))})
