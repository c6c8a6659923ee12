"""A restored copy, played by the one database that there is: put back to what it was."""

from __future__ import annotations

import io
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from privacy import data_map, repeat
from privacy.ledger import Ledger
from privacy.restored import Restored
from streamflix.addresses import Address
from streamflix.deadline import Deadline
from streamflix.secrets import Secret
from tests.integration.privacy.conftest import Credentials

if TYPE_CHECKING:
    from collections.abc import Iterable

    from privacy.repeat import Doors, Mode, Outcome
    from tests.integration.privacy.conftest import Somebody, Stores
    from tests.integration.privacy.flow import Flow

TABLES = {
    "app_owner": ("account", "profile", "device", "watch_history", "rating", "invoice"),
    "privacy_owner": ("fence", "tombstone", "erasure", "retained_invoice"),
}


@dataclass
class Copy:
    """`restore` brings back what the database held when this was made, as a restore does."""

    stores: Stores
    held: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for role, tables in TABLES.items():
            for table in tables:
                with self.stores.database.master(role) as cursor:
                    text = io.StringIO()
                    cursor.copy_expert(f"COPY {_name(role, table)} TO STDOUT", text)
                    self.held[table] = text.getvalue()

    def restore(self) -> None:
        for role, tables in TABLES.items():
            with self.stores.database.master(role) as cursor:
                for table in reversed(tables):
                    cursor.execute(f"DELETE FROM {_name(role, table)}")
                for table in tables:
                    self._fill(cursor, role, table)

    def _fill(self, cursor: Any, role: str, table: str) -> None:
        cursor.copy_expert(f"COPY {_name(role, table)} FROM STDIN", io.StringIO(self.held[table]))

    def open(self, address: Address) -> Restored:
        servers = self.stores.servers
        master = servers.postgres.master
        secret = Secret("master", client=Credentials(master.username, master.password))
        return Restored(address, secret, data_map.ours(), ca_file=servers.ca)

    def doors(self, flow: Flow) -> Doors:
        theirs = flow.doors()
        return repeat.Doors(
            theirs.ledger,
            theirs.subjects,
            theirs.signer,
            theirs.data_map,
            self.open,
            lambda: datetime.now(UTC),
        )

    def replay(
        self,
        flow: Flow,
        run: str,
        mode: Mode = "drill",
        days: float = 1,
        doors: Doors | None = None,
    ) -> Outcome:
        address = Address.parse(self.stores.servers.postgres.writer)
        target = datetime.now(UTC) - timedelta(days=days)
        asked = repeat.Restore(run, address, target, mode)
        return repeat.run(asked, doors or self.doors(flow), Deadline(time.monotonic() + 60, 60))

    def marks(self) -> set[bytes]:
        found: Iterable[tuple[memoryview]] = self.stores.rows(
            "SELECT mark FROM privacy.tombstone", role="privacy_erase"
        )
        return {bytes(mark) for (mark,) in found}


def _name(role: str, table: str) -> str:
    return f"{role.removesuffix('_owner')}.{table}"


def new_run() -> str:
    return f"r{uuid.uuid4().hex}"


def in_database(stores: Stores, who: Somebody) -> dict[str, list[Any]]:
    return {table: rows for table, rows in stores.dump(who.account).items() if "app." in table}


def receipt_of(flow: Flow, run: str) -> str | None:
    return Ledger(flow.env.ledger_table)._receipt(f"restore#{run}")


def erased_and_restored(flow: Flow, stores: Stores, who: Somebody) -> Copy:
    copy = Copy(stores)
    assert flow.run(flow.about(who).request).state == "completed"
    copy.restore()
    assert len(in_database(stores, who)["app.watch_history"]) == 30
    assert copy.marks() == set()
    return copy
