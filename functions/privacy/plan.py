"""What an erasure would do now, store by store. Nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from privacy.database import Person
from privacy.identity import account_of

if TYPE_CHECKING:
    from privacy.erasure import Doors
    from privacy.record import Record


def preview(record: Record, doors: Doors) -> list[dict[str, Any]]:
    """A line per table, key pattern and folder; zeros for somebody whom no store knows.

    Raises: `DataMapDrifted`, `KeyDestroyed`, `IdentityMismatch`; what the stores raise (retryable).
    """
    dossier = doors.seals.unseal(record.request, record.sealed)
    account = account_of(dossier.identities, doors.database.find(dossier.identities))
    rows: dict[str, int] = {}
    doors.database.guard()
    keys = files = 0
    if account is not None:
        rows = {each.relation: each.rows for each in doors.database.plan(Person(account))}
        keys, files = len(doors.sessions.find(account)), doors.files.count(account)
    lines = [
        _line("aurora", table, what.action, rows.get(table, 0), what.legal_basis)
        for table, what in doors.data_map.personal.items()
    ]
    sessions = [what for what in doors.data_map.keys.values() if what.action == "delete"]
    lines.append(
        _line("redis", ", ".join(what.key for what in sessions), "delete", keys, _basis(sessions))
    )
    folders = list(doors.data_map.paths.values())
    lines.append(
        _line("files", ", ".join(what.path for what in folders), "delete", files, _basis(folders))
    )
    return lines


def _line(store: str, place: str, action: str, count: int, basis: str) -> dict[str, Any]:
    return {
        "store": store,
        "place": place,
        "action": action,
        "count": count,
        "legal_basis": basis,
    }


def _basis(erasures: list[Any]) -> str:
    return ", ".join(sorted({each.legal_basis for each in erasures}))
