"""The doors of a process that counts: opened at first use, kept until Lambda takes it away."""

from __future__ import annotations

import gc
from functools import partial
from typing import TYPE_CHECKING

from analytics.ingest import Doors
from analytics.rejects import RejectsQueue
from analytics.store import STAGING, Store
from analytics.viewers import Viewers
from streamflix import fence
from streamflix.addresses import AddressBook
from streamflix.postgres import Postgres
from streamflix.redis import Redis
from streamflix.secrets import Secret

if TYPE_CHECKING:
    from pathlib import Path

    from analytics.settings import Settings


def open_doors(
    env: Settings, application_name: str, ca_file: Path, *, recounts: bool = False
) -> Doors:
    gc.freeze()  # what was loaded stays
    book = AddressBook(env.address_book)
    postgres = Postgres(
        book,
        "writer",
        Secret(env.database_secret_arn),
        application_name=application_name,
        prepare=STAGING,
        ca_file=ca_file,
    )
    redis = Redis(env.redis_host, env.redis_port, Secret(env.redis_secret_arn), ca_file=ca_file)
    tombstones = fence.Tombstones(partial(fence.unwrap, environment=env.environment))
    return Doors(
        Store(book, postgres, tombstones, recounts=recounts),
        Viewers(redis),
        RejectsQueue(env.rejects_queue_url),
    )
