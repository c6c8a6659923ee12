"""The process's doors: opened at first use, kept until Lambda takes the process away."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from privacy import data_map
from privacy.database import Database
from privacy.erasure import Doors
from privacy.files import Files
from privacy.ledger import Ledger
from privacy.receipt import Signer
from privacy.remains import Search
from privacy.seal import Seals
from privacy.sessions import Sessions
from privacy.subjects import Subjects
from privacy.teller import Teller
from streamflix.addresses import AddressBook
from streamflix.ca import CA_FILE
from streamflix.postgres import Postgres
from streamflix.redis import Redis
from streamflix.secrets import Secret

if TYPE_CHECKING:
    from privacy.settings import Settings
    from streamflix.addresses import Endpoint


@cache
def open_doors(env: Settings, ca_file: Path = CA_FILE) -> Doors:
    """The eraser and the search have connections of their own."""
    book = AddressBook(env.address_book)
    login, ops = Secret(env.database_secret_arn), Secret(env.redis_secret_arn)
    ours = data_map.ours()
    files = Path(env.files_root)
    ledger = Ledger(env.ledger_table)
    connections: list[Postgres] = []

    def postgres(endpoint: Endpoint, what: str) -> Postgres:
        name = f"streamflix-privacy-{what}"
        made = Postgres(book, endpoint, login, application_name=name, ca_file=ca_file)
        connections.append(made)
        return made

    def rest() -> None:
        for each in connections:
            each.close()

    def redis() -> Redis:
        return Redis(env.redis_host, env.redis_port, ops, ca_file=ca_file)

    return Doors(
        ledger=ledger,
        seals=Seals(env.keys_table, env.key_arn, env.environment),
        subjects=Subjects(ledger, env.key_arn, env.environment),
        database=Database(book, postgres("writer", "erase"), ours),
        sessions=Sessions(redis()),
        files=Files(files, ours.paths),
        search=Search(
            postgres("writer", "verify"), postgres("reader", "verify"), redis(), files, ours
        ),
        signer=Signer(env.signing_key_arn),
        teller=Teller(env.ops_bus, env.callbacks_queue_url),
        data_map=ours,
        grace=timedelta(seconds=env.grace_seconds),
        backups_kept=timedelta(days=env.backup_days),
        now=lambda: datetime.now(UTC),
        clock=time.monotonic,
        sleep=time.sleep,
        rest=rest,
    )
