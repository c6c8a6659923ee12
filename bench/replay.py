"""A million accounts, of which a replay must find five thousand."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from privacy import data_map, repeat
from privacy.record import Erasure
from privacy.restored import Restored
from streamflix import fence
from streamflix.addresses import Address
from streamflix.deadline import Deadline
from streamflix.secrets import Secret
from tests.integration.privacy.conftest import KEY, WRAPPED, Credentials

if TYPE_CHECKING:
    from tests.integration.privacy.conftest import Stores

SECONDS = 10.0
ERASED = 5_000
GONE_LONG_AGO = 5_000
# Beside what the other figures need, for each account that has none.
DEVICES = """;
INSERT INTO app.device (account_id, kind)
SELECT account_id, 'tv' FROM app.account WHERE NOT EXISTS
       (SELECT FROM app.device WHERE device.account_id = account.account_id)
"""


@dataclass
class Ledger:
    """What the ledger tells and takes; DynamoDB's own time is not the room's."""

    told: list[Erasure]
    receipts: dict[str, str] = field(default_factory=dict)

    def erasures(self) -> list[Erasure]:
        return self.told

    def put_replay(self, restore: str, receipt: str) -> str:
        return self.receipts.setdefault(restore, receipt)


class Subjects:
    key, wrapped = KEY, WRAPPED


class Signer:
    def sign(self, content: bytes) -> str:
        return f"{len(content)} bytes"


def erased(stores: Stores) -> list[Erasure]:
    """A request for each of some accounts that are there, and for some that are not."""
    accounts = stores.rows(f"SELECT account_id::text FROM app.account LIMIT {ERASED}")
    there = [UUID(account) for (account,) in accounts]
    return [
        Erasure(uuid4(), "completed", "", (fence.mark(KEY, account),))
        for account in [*there, *(uuid4() for _ in range(GONE_LONG_AGO))]
    ]


def replayed(stores: Stores, told: list[Erasure], run: str) -> tuple[float, repeat.Outcome]:
    """Seconds, from the call to the receipt."""
    doors: Any = repeat.Doors(
        Ledger(told),  # type: ignore[arg-type]
        Subjects(),  # type: ignore[arg-type]
        Signer(),  # type: ignore[arg-type]
        data_map.ours(),
        lambda address: Restored(address, _master(stores), data_map.ours(), stores.servers.ca),
        lambda: datetime.now(UTC),
    )
    address = Address.parse(stores.servers.postgres.writer)
    restore = repeat.Restore(run, address, datetime.now(UTC), "drill")
    began = time.monotonic()
    outcome = repeat.run(restore, doors, Deadline(time.monotonic() + 600, 600))
    return time.monotonic() - began, outcome


def _master(stores: Stores) -> Secret:
    master = stores.servers.postgres.master
    return Secret("master", client=Credentials(master.username, master.password))
